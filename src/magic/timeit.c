/* %timeit and %%timeit: what one run of a piece of code takes, from many; the measuring is lua/timeit.lua's. */
#include <stdlib.h>
#include <string.h>

#include "cell/lua.h"
#include "magic/magic.h"

struct options {
    long loops, runs; /* 0: chosen */
};

/* "-n 100 -r 5 CODE": returns where the code begins, or NULL with the error set. */
static const char *parse_options(const char *args, struct options *o, struct err *e) {
    while (args[0] == '-' && (args[1] == 'n' || args[1] == 'r') && args[2] != '-') {
        char *end;
        const long n = strtol(args + 2, &end, 10);
        if (end == args + 2 || n < 1) {
            err_set(e, ERR_VALUE, "-%c wants a number of %s", args[1], args[1] == 'n' ? "loops" : "runs");
            return NULL;
        }
        *(args[1] == 'n' ? &o->loops : &o->runs) = n;
        args = end + strspn(end, " \t");
    }
    return args;
}

/* Beside a cell the line is code that runs once before. */
static enum status run(const struct magic_call *c, struct err *e) {
    struct options o = {0};
    struct buf text = {0};
    const char *line = parse_options(c->args, &o, e), *code = *c->body ? c->body : line;
    if (!line) return e->status;
    if (!*code) return err_set(e, ERR_VALUE, "what should be timed? %%timeit CODE, or %%%%timeit above a cell");
    if (*c->body) buf_printf(&text, "%s\n", line);
    buf_printf(&text, "timeit.measure(function() %s%s\nend, {",
               cell_lua_is_expression(code, strlen(code)) ? "return " : "", code);
    if (o.loops) buf_printf(&text, "number = %ld, ", o.loops);
    if (o.runs) buf_printf(&text, "[\"repeat\"] = %ld", o.runs);
    buf_puts(&text, "})");
    enum status s = buf_status(&text, e);
    if (s == OK) s = session_run_part(c->session, text.data, text.len);
    buf_free(&text);
    return s;
}

const struct magic magic_timeit = {
    .name = "timeit",
    .usage = "%timeit [-n LOOPS] [-r RUNS] CODE",
    .help = "times small code: the mean of 7 runs of as many loops as take 0.2 s\n%%timeit times the cell below it; "
            "code on "
            "its own line then runs once before.",
    .takes_cell = true,
    .run = run,
};
