/* Ledgers of headless runs. */
#include "front/run/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

static const struct figure {
    const char *name;
    double noise; /* a difference that means nothing */
    void (*write)(double x, struct buf *out);
} figures[RUN_LEDGER_FIGURES] = {
    {"time", 0.05, units_seconds},
    {"cpu", 0.05, units_seconds},
    {"ram", 10e6, units_bytes},
    {"device_bytes", 10e6, units_bytes},
};

/* ---- opening -------------------------------------------------------------------------------------------------------- */

/* One "time=1.2" of the list. */
static enum status read_limit(struct run_ledger *l, const char *text, size_t n, struct err *e) {
    for (int i = 0; i < RUN_LEDGER_FIGURES; i++) {
        size_t name = strlen(figures[i].name);
        char *end;
        if (n <= name || strncmp(text, figures[i].name, name) != 0 || text[name] != '=') continue;
        l->limit[i] = strtod(text + name + 1, &end);
        if (end != text + n || !(l->limit[i] > 0)) break;
        return OK;
    }
    return err_set(e, ERR_VALUE, "cannot read the limit '%.*s': write time=1.2, cpu=..., ram=... or device_bytes=...",
                   (int)n, text);
}

static enum status read_limits(struct run_ledger *l, const char *list, struct err *e) {
    for (size_t n; *list && e->status == OK; list += n + (list[n] == ',')) {
        n = strcspn(list, ",");
        read_limit(l, list, n, e);
    }
    return e->status;
}

static enum status read_old(struct run_ledger *l, const char *path, struct err *e) {
    struct buf text = {0};
    json_t *file = buf_read_file(&text, path, e) == OK ? json_parse(text.data, text.len, e) : NULL;
    buf_free(&text);
    l->old = json_incref(json_object_get(file, "cells"));
    if (e->status == ERR_VALUE) err_prefix(e, "%s", path);
    if (e->status == OK && !json_is_array(l->old)) err_set(e, ERR_VALUE, "'%s' is no ledger", path);
    json_decref(file);
    return e->status;
}

enum status run_ledger_open(struct run_ledger *l, const char *against, const char *limits, struct err *e) {
    *l = (struct run_ledger){.against = against, .cells = json_array()};
    if (!l->cells) return err_set(e, ERR_MEMORY, "no memory for a ledger");
    if (!against != !limits)
        return err_set(e, ERR_VALUE, "%s",
                       against ? "--against needs --fail-over, as in --fail-over time=1.2,ram=1.1"
                               : "--fail-over needs --against OLD.json, a ledger of an earlier run");
    if (limits && read_limits(l, limits, e)) return e->status;
    return against ? read_old(l, against, e) : OK;
}

void run_ledger_close(struct run_ledger *l) {
    json_decref(l->cells);
    json_decref(l->old);
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

void run_ledger_add(struct run_ledger *l, int number, const struct cell *c, const struct session_result *r) {
    struct session_cost cost;
    session_cost_of(r, &cost);
    json_array_append_new(l->cells, json_pack("{s:i, s:s, s:s, s:f, s:f, s:I, s:I, s:I, s:s, s:I}", "cell", number,
                                              "title", c->title, "status", r->status ? "error" : "ok", "time",
                                              cost.wall, "cpu", cost.cpu, "ram", (json_int_t)cost.ram_peak,
                                              "ram_change", (json_int_t)cost.ram, "disk_change", (json_int_t)cost.disk,
                                              "device", cost.device, "device_bytes", (json_int_t)cost.device_bytes));
}

enum status run_ledger_write(const struct run_ledger *l, const char *path, struct err *e) {
    struct buf text = {0};
    json_t *file = json_pack("{s:i, s:O}", "celda_ledger", 1, "cells", l->cells);
    json_write(file, 2, true, &text);
    buf_putc(&text, '\n');
    json_decref(file);
    FILE *f = buf_status(&text, e) == OK ? fopen(path, "w") : NULL;
    bool written = f && fwrite(text.data, 1, text.len, f) == text.len;
    if (f && fclose(f)) written = false;
    if (!written) err_set(e, ERR_IO, "cannot write the ledger '%s': %s", path, strerror(errno));
    buf_free(&text);
    return e->status;
}

/* ---- comparing ------------------------------------------------------------------------------------------------------ */

static const char *title_of(const json_t *cell) {
    const char *title = json_string_value(json_object_get(cell, "title"));
    return title ? title : "";
}

/* The cell of the same title, else of the same number: cells may have been added before it. */
static const json_t *old_of(const struct run_ledger *l, const json_t *cell) {
    json_int_t number = json_integer_value(json_object_get(cell, "cell"));
    const json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(l->old); i++) {
        const json_t *old = json_array_get(l->old, i);
        bool same = strcmp(title_of(old), title_of(cell)) == 0;
        if (same && *title_of(cell)) return old;
        if (same && json_integer_value(json_object_get(old, "cell")) == number) found = old;
    }
    return found;
}

static bool is_over(const struct run_ledger *l, const json_t *cell, const json_t *old, int i, struct buf *out) {
    const struct figure *f = &figures[i];
    double is = json_number_value(json_object_get(cell, f->name));
    double was = json_number_value(json_object_get(old, f->name));
    if (l->limit[i] == 0 || is <= was * l->limit[i] || is - was <= f->noise) return false;
    buf_printf(out, "cell [%d] %s: %s ", (int)json_integer_value(json_object_get(cell, "cell")), title_of(cell),
               f->name);
    f->write(is, out);
    buf_puts(out, ", was ");
    f->write(was, out);
    buf_printf(out, " in %s: more than %g times as much\n", l->against, l->limit[i]);
    return true;
}

int run_ledger_compare(const struct run_ledger *l, struct buf *out) {
    int over = 0;
    for (size_t k = 0; l->old && k < json_array_size(l->cells); k++) {
        const json_t *cell = json_array_get(l->cells, k), *old = old_of(l, cell);
        for (int i = 0; old && i < RUN_LEDGER_FIGURES; i++) over += is_over(l, cell, old, i, out);
        if (!old)
            buf_printf(out, "cell [%d] %s: not in %s\n", (int)json_integer_value(json_object_get(cell, "cell")),
                       title_of(cell), l->against);
    }
    return over;
}
