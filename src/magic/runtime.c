/* %runtime: which device new tensors and models live on. Changing it moves all that lives on the one before; nothing is run
 * again. */
#include <stdio.h>
#include <string.h>

#include "magic/magic.h"
#include "run/run.h"

/* "gpu tf32" in two. A device's own name may end in brackets: "opencl:0 (PoCL, cpu)". NULL: no precision is named. */
static const char *split(const char *args, char *name, int cap) {
    const char *space = strrchr(args, ' ');
    if (args[strlen(args) - 1] == ')') space = NULL;
    int n = (int)(space ? (size_t)(space - args) : strlen(args));
    while (n > 0 && args[n - 1] == ' ') n--;
    snprintf(name, (size_t)cap, "%.*s", n < cap ? n : cap - 1, args);
    return space ? space + 1 : NULL;
}

/* Precision first, for that may be refused; a move that is refused leaves it as it was. */
static enum status change(struct run *r, const char *args, struct err *e) {
    char name[64];
    struct device *d;
    const char *precision = split(args, name, sizeof name);
    if (run_device(r, name, &d, e)) return e->status;
    const char *before = d->precision;
    if (precision && run_set_precision(d, precision, e)) return e->status;
    if (run_set_device(r, name, e) && precision && before) run_set_precision(d, before, &(struct err){0});
    return e->status;
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct run *r = session_runtime(c->session);
    if (*c->args) lua_gc(session_lua(c->session), LUA_GCCOLLECT); /* what is dead need not move */
    if (*c->args && change(r, c->args, e)) return e->status;
    const struct device *d = r->device;
    magic_print(c, "runtime: %s%s%s%s\n", d->name, d->precision ? ", products in " : "",
                d->precision ? d->precision : "",
                *c->args ? "" : " (change it with %runtime NAME; %devices lists what there is)");
    return OK;
}

const struct magic magic_runtime = {
    .name = "runtime",
    .usage = "%runtime [DEVICE [float32 | tf32]]",
    .help =
        "shows or changes the device\nThe session's state moves along. Names: cpu, gpu, gpu:1, opencl, tpu, "
        "/device:GPU:0.\nWith tf32, matrix products and convolutions run on tensor cores, whose operands have 10 bits "
        "behind the point instead of 23; float32 takes that back.",
    .run = run,
};
