/* %ledger: what each cell cost. */
#include "base/buf.h"
#include "base/units.h"
#include "magic/magic.h"

struct table {
    const struct magic_call *call;
    struct session_cost typed, total;
};

/* A number with its unit, to the right of its column. */
static void put_cell(struct buf *line, void (*write)(double x, struct buf *out), double x) {
    struct buf text = {0};
    write(x, &text);
    buf_printf(line, "  %10s", buf_text(&text));
    buf_free(&text);
}

static void print_row(const struct magic_call *call, const char *name, const struct session_cost *c) {
    struct buf line = {0};
    buf_printf(&line, "%-8s %5d", name, c->runs);
    put_cell(&line, units_seconds, c->wall);
    put_cell(&line, units_seconds, c->cpu);
    put_cell(&line, units_change, c->ram);
    put_cell(&line, units_bytes, c->ram_peak);
    put_cell(&line, units_change, c->disk);
    if (c->device) buf_printf(&line, "  %s", c->device);
    if (c->device_bytes > 0) {
        buf_putc(&line, ' ');
        units_bytes(c->device_bytes, &line);
    }
    magic_print(call, "%s%s\n", buf_text(&line), c->status ? "  failed" : "");
    buf_free(&line);
}

static void add(struct session_cost *sum, const struct session_cost *c) {
    sum->runs += c->runs;
    sum->wall += c->wall;
    sum->cpu += c->cpu;
    sum->ram += c->ram;
    sum->disk += c->disk;
    if (c->ram_peak > sum->ram_peak) sum->ram_peak = c->ram_peak;
}

/* Beside a notebook, inputs have names of another kind than cells, and share a row. */
static void print_cost(void *arg, const struct session_cost *c) {
    struct table *t = arg;
    add(&t->total, c);
    if (c->name[0] == '[')
        print_row(t->call, c->name, c);
    else
        add(&t->typed, c);
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct table t = {.call = c};
    (void)e;
    magic_print(c, "%-8s %5s  %10s  %10s  %10s  %10s  %10s  device\n", "cell", "runs", "time", "cpu", "RAM", "peak RAM",
                "disk");
    session_each_cost(c->session, print_cost, &t);
    if (t.typed.runs) print_row(c, "typed", &t.typed);
    print_row(c, "all", &t.total);
    return OK;
}

const struct magic magic_ledger = {
    .name = "ledger",
    .usage = "%ledger",
    .help =
        "shows what each cell cost\nOf its last run: time, CPU time, RAM (the change, and the process's peak while it "
        "ran), disk, the device and what is held there. What a line like %run took for the cells it ran counts as "
        "theirs. celda run --ledger FILE.json writes the same to a file.",
    .run = run,
};
