/* %timeit and %%timeit: what one run of a piece of code takes, from many; the measuring is lua/timeit.lua's. */
#include <ctype.h>
#include <lua.h>
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
    if (args[0] != '-' || !isalpha((unsigned char)args[1]) || cell_lua_is_expression(args, strlen(args))) return args;
    err_set(e, ERR_VALUE, "unknown option %.*s; there are -n LOOPS and -r RUNS", (int)strcspn(args, " \t"), args);
    return NULL;
}

/* chunk, options: protected, as a part of the cell */
static int measure(lua_State *L) {
    const struct options *o = lua_touserdata(L, 2);
    session_push_function(L, "timeit", "measure");
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    lua_createtable(L, 0, 2);
    if (o->loops) lua_pushinteger(L, o->loops), lua_setfield(L, -2, "number");
    if (o->runs) lua_pushinteger(L, o->runs), lua_setfield(L, -2, "repeat");
    lua_call(L, 2, 0);
    return 0;
}

/* A chunk that returns the code as a function; `before` is its lines above that. In brackets no call is a tail call, of
 * which an error could not tell the line. */
static void put_source(const char *before, const char *code, struct buf *out) {
    const bool value = cell_lua_is_expression(code, strlen(code));
    buf_printf(out, "%sreturn function() %s%s\n%s end", before, value ? "return (" : "", code, value ? ")" : "");
}

/* Beside a cell the line is code that runs once before. */
static enum status run(const struct magic_call *c, struct err *e) {
    struct options o = {0};
    struct buf before = {0}, source = {0}, shown = {0};
    const char *line = parse_options(c->args, &o, e), *code = line;
    if (!line) return e->status;
    if (*c->body) {
        code = c->body + strcspn(c->body, "\n");
        code += *code == '\n';
        buf_printf(&before, "%s\n", line);
    }
    if (!*code) return err_set(e, ERR_VALUE, "what should be timed? %%timeit CODE, or %%%%timeit above a cell");
    put_source(buf_text(&before), code, &source);
    buf_printf(&shown, "%s%s", buf_text(&before), code);
    enum status s = buf_status(&source, e) == OK ? buf_status(&shown, e) : e->status;
    const struct session_code part = {.source = source.data, .shown = shown.data, .call = measure, .arg = &o};
    if (s == OK) s = session_run_code(c->session, &part);
    buf_free(&before);
    buf_free(&source);
    buf_free(&shown);
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
