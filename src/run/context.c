/* One session's runtime: its devices and where new tensors go. */
#include "run/run.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "device/device.h"
#include "run/internal.h"

enum status run_grow(void *array, int count, int *cap, size_t size, struct err *e) {
    void *p;
    if (count < *cap) return OK;
    int more = *cap ? *cap * 2 : 8;
    memcpy(&p, array, sizeof p);
    p = mem_realloc(p, size * (size_t)more, e);
    if (!p) return e->status;
    memcpy(array, &p, sizeof p);
    *cap = more;
    return OK;
}

enum status run_open(struct run **out, struct err *e) {
    struct run *r = mem_zalloc(sizeof *r, e);
    if (!r) return e->status;
    r->passes = GRAPH_ALL;
    if (run_device(r, "cpu", &r->cpu, e)) {
        mem_free(r);
        return e->status;
    }
    r->device = r->cpu;
    *out = r;
    return OK;
}

void run_close(struct run *r) {
    if (!r) return;
    trace_abort(r);
    if (r->profile) profile_end(r, NULL);
    run_reset_names(r);
    for (struct variable *v = r->variables; v; v = v->next) v->run = NULL; /* whoever holds one may outlive us */
    for (int i = 0; i < r->nopen; i++) r->open[i]->driver->close(r->open[i]);
    mem_free(r);
}

/* ---- names of devices --------------------------------------------------------------------------------------------- */

/* What TensorFlow and Colab call devices but this binary has no driver for, and why. */
static const struct {
    const char *kind, *reason;
} absent[] = {
    {"tpu", "this build has no TPU driver yet"},
    {"xla", "this build has no XLA driver yet"},
};

static enum status no_driver(const char *kind, struct err *e) {
    const char *known[32] = {0};
    int n = 0;
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        if (strcmp(kind, absent[i].kind) == 0)
            return err_set(e, ERR_UNSUPPORTED, "device '%s' cannot be had: %s", kind, absent[i].reason);
        known[n++] = absent[i].kind;
    }
    for (int i = 0; device_drivers[i] && n < 31; i++) known[n++] = device_drivers[i]->kind;
    const char *near = nearest(kind, known);
    return err_set(e, ERR_NOT_FOUND, "unknown device '%s'%s%s%s", kind, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
}

/* "cpu", "GPU:1", TensorFlow's "/device:GPU:0" and a device's own name, "opencl:0 (PoCL, cpu)", to a kind in lower case
 * and an index. */
static enum status parse_name(const char *name, char kind[16], int *index, struct err *e) {
    static const char prefix[] = "/device:";
    const char *at = strncmp(name, prefix, sizeof prefix - 1) == 0 ? name + sizeof prefix - 1 : name;
    size_t n = strcspn(at, ":");
    char *end = (char *)at + n;
    *index = at[n] ? (int)strtol(at + n + 1, &end, 10) : 0;
    const bool ends = *end == 0 || strncmp(end, " (", 2) == 0;
    if (n == 0 || n >= 16 || !ends || *index < 0 || (at[n] && end == at + n + 1))
        return err_set(e, ERR_NOT_FOUND, "'%s' is no device name: write cpu, gpu, gpu:1, opencl or /device:GPU:0",
                       name);
    for (size_t i = 0; i < n; i++) kind[i] = (char)tolower((unsigned char)at[i]);
    kind[n] = 0;
    return OK;
}

enum status run_device(struct run *r, const char *name, struct device **out, struct err *e) {
    char kind[16];
    int index;
    if (parse_name(name, kind, &index, e)) return e->status;
    for (int i = 0; i < r->nopen; i++) {
        struct device *d = r->open[i];
        if (strcmp(d->driver->kind, kind) == 0 && d->index == index) {
            *out = d;
            return OK;
        }
    }
    if (!device_driver_find(kind)) return no_driver(kind, e);
    if (r->nopen == RUN_MAX_DEVICES) return err_set(e, ERR_STATE, "no more than %d devices at once", RUN_MAX_DEVICES);
    if (device_open(kind, index, out, e)) return e->status;
    (*out)->notice = r->notice;
    (*out)->notice_arg = r->notice_arg;
    run_watch_writes(r, *out);
    r->open[r->nopen++] = *out;
    return OK;
}

enum status run_set_precision(struct device *d, const char *precision, struct err *e) {
    static const char *const known[] = {"float32", "tf32"};
    if (strcmp(precision, known[0]) != 0 && strcmp(precision, known[1]) != 0)
        return err_set(e, ERR_VALUE, "'%s' is no precision: float32 or tf32", precision);
    if (d->driver->set_precision) return d->driver->set_precision(d, precision, e);
    if (strcmp(precision, known[0]) == 0) return OK;
    return err_set(e, ERR_UNSUPPORTED, "%s needs a graphics card with tensor cores; this is %s", precision, d->name);
}
