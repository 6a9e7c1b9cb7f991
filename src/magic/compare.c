/* %compare: one cell on several devices, each time from the same state of the session. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cell/notebook.h"
#include "magic/magic.h"
#include "run/run.h"
#include "session/numbers.h"
#include "session/snapshot.h"

enum { DEVICES = 8 };

struct result {
    struct device *device;
    double seconds;
    size_t peak;
    struct numbers *numbers;
};

struct compare {
    const struct magic_call *call;
    struct run *run;
    const char *source;
    size_t size;
    int n;
    struct result result[DEVICES];
};

/* ---- what to run, and where ---------------------------------------------------------------------------------------- */

static enum status add_device(struct compare *c, const char *name, struct err *e) {
    struct device *d;
    if (c->n == DEVICES) return err_set(e, ERR_VALUE, "no more than %d devices can be compared", DEVICES);
    if (run_device(c->run, name, &d, e)) return e->status;
    c->result[c->n++].device = d;
    return OK;
}

/* What the tutorial compares, as far as it can be had. OpenCL on a processor is slow, and asked for by name. */
static void add_all(struct compare *c) {
    static const char *const kind[] = {"cpu", "gpu", "tpu"};
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        struct err unavailable = {0};
        add_device(c, kind[i], &unavailable);
    }
}

/* "cpu gpu:1 3": names of devices, and the number of a cell at the end. */
static enum status parse(struct compare *c, int *cell, struct err *e) {
    char words[256], *next = NULL;
    if (snprintf(words, sizeof words, "%s", c->call->args) >= (int)sizeof words)
        return err_set(e, ERR_VALUE, "too many devices");
    for (char *w = strtok_r(words, " ,", &next); w; w = strtok_r(NULL, " ,", &next)) {
        if (c->call->notebook && *w >= '0' && *w <= '9') {
            if (magic_parse_cell(c->call->notebook, w, cell, e)) return e->status;
        } else if (add_device(c, w, e)) {
            return e->status;
        }
    }
    if (c->n == 0) add_all(c);
    return OK;
}

/* The body of %%compare, else cell `*cell` of the notebook; 0: its next, whose number is then set. */
static enum status find_source(struct compare *c, int *cell, struct err *e) {
    const struct magic_notebook *nb = c->call->notebook;
    c->source = c->call->body;
    c->size = strlen(c->source);
    if (*c->source) return OK;
    if (!nb) return err_set(e, ERR_VALUE, "which cell? Write %%%%compare on a line above it");
    if (*cell == 0) *cell = nb->next;
    const int i = magic_cell_index(nb, *cell);
    if (i < 0) return err_set(e, ERR_VALUE, "the notebook ends here; %%compare %s N compares cell N", c->call->args);
    c->source = nb->notebook->cells[i].source;
    c->size = nb->notebook->cells[i].size;
    return OK;
}

/* ---- running ------------------------------------------------------------------------------------------------------- */

/* Runs the cell on one device. On an error the session is wherever it got to. */
static enum status run_on(struct compare *c, struct result *r, struct err *e) {
    struct device_memory memory;
    struct device *d = r->device;
    const uint64_t epoch = c->run->epoch;
    magic_print(c->call, "--- %s\n", d->name);
    if (run_set_device(c->run, d->name, e)) return e->status;
    d->driver->reset_peak(d);
    const double start = clock_now();
    if (session_run_part(c->call->session, c->source, c->size) || d->driver->sync(d, e))
        return e->status ? e->status : ERR_STATE;
    r->seconds = clock_now() - start;
    d->driver->memory(d, &memory);
    r->peak = memory.peak;
    return numbers_take(c->call->session, epoch, &r->numbers, e);
}

/* Runs it on device i > 0 from the state `before`, where the session is, and goes back there. */
static enum status run_again(struct compare *c, int i, struct err *e) {
    struct snapshot *before;
    struct err restoring = {0};
    if (snapshot_new(c->call->session, SIZE_MAX, &before, e)) return e->status;
    enum status s = run_on(c, &c->result[i], e);
    if (snapshot_restore(before, &restoring) && s == OK) {
        *e = restoring;
        s = e->status;
    }
    snapshot_free(before);
    return s;
}

/* The first run's effect stays; on an error nothing does. */
static enum status run_all(struct compare *c, struct err *e) {
    struct session *session = c->call->session;
    struct snapshot *before = NULL, *after = NULL;
    struct err restoring = {0};
    if (snapshot_new(session, SIZE_MAX, &before, e)) return e->status;
    session_undo_skip(session);
    enum status s = run_on(c, &c->result[0], e);
    if (s == OK && snapshot_new(session, SIZE_MAX, &after, e)) s = e->status;
    if (snapshot_restore(before, &restoring) && s == OK) {
        *e = restoring;
        s = e->status;
    }
    for (int i = 1; s == OK && i < c->n; i++) s = run_again(c, i, e);
    if (s == OK && snapshot_restore(after, e)) s = e->status;
    if (s == OK)
        session_undo_keep(session, before);
    else
        snapshot_free(before);
    snapshot_free(after);
    return s;
}

/* ---- the table ----------------------------------------------------------------------------------------------------- */

static void put_difference(const struct compare *c, int i, struct buf *line) {
    const char *name;
    if (i == 0) return;
    const double d = numbers_difference(c->result[0].numbers, c->result[i].numbers, &name);
    if (!name)
        buf_puts(line, "nothing to compare");
    else if (d == 0)
        buf_puts(line, "none: the same bits");
    else
        buf_printf(line, "%.2g in %s", d, name);
}

static void print_table(const struct compare *c) {
    magic_print(c->call, "%-24s %10s %9s %12s  %s\n", "device", "time", "speed-up", "peak memory",
                "largest difference");
    for (int i = 0; i < c->n; i++) {
        const struct result *r = &c->result[i];
        struct buf span = {0}, line = {0};
        magic_put_span(r->seconds, &span);
        buf_printf(&line, "%-24s %10s %8.2fx %9.1f MB  ", r->device->name, buf_text(&span),
                   c->result[0].seconds / r->seconds, (double)r->peak / 1e6);
        put_difference(c, i, &line);
        buf_free(&span);
        magic_print(c->call, "%s\n", buf_text(&line));
        buf_free(&line);
    }
}

static enum status run(const struct magic_call *call, struct err *e) {
    struct compare c = {.call = call, .run = session_runtime(call->session)};
    int cell = 0;
    if (parse(&c, &cell, e) || find_source(&c, &cell, e)) return e->status;
    enum status s = run_all(&c, e);
    if (s == OK) print_table(&c);
    if (s == OK && !*call->body) {
        call->notebook->state[cell - 1].progress = MAGIC_DONE;
        call->notebook->next = cell + 1;
    }
    for (int i = 0; i < c.n; i++) numbers_free(c.result[i].numbers);
    return s;
}

const struct magic magic_compare = {
    .name = "compare",
    .usage = "%compare [DEVICE ...] [N]",
    .help = "runs a cell on several devices from the same state, and compares\n%%compare above a cell, or %compare for "
            "the notebook's next cell or cell N; without names on cpu, gpu and tpu, as far as there are some. The "
            "session then holds what the first computed. Differences are those of tensors and weights.",
    .takes_cell = true,
    .run = run,
};
