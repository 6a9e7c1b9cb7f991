/* %who: the session's variables, top-level locals and new globals. */
#include <lua.h>

#include "base/units.h"
#include "magic/magic.h"
#include "session/describe.h"
#include "session/trail.h"

static const char *writer(const struct magic_call *c, const char *name) {
    const struct trail *t = session_trail(c->session);
    const int w = t ? trail_writer(t, name, trail_count(t)) : -1;
    return w < 0 ? "" : trail_at(t, w)->cell;
}

static void print_variable(void *arg, lua_State *L, const char *name) {
    const struct magic_call *c = arg;
    struct description d;
    struct buf line = {0};
    session_describe(L, lua_gettop(L), &d);
    buf_printf(&line, "%-20s %-14s %-7s %s", name, d.type, writer(c, name), d.text);
    if (d.bytes > 0) {
        buf_puts(&line, "  ");
        units_bytes((double)d.bytes, &line);
    }
    if (d.device) buf_printf(&line, "  %s", d.device);
    magic_print(c, "%s\n", buf_text(&line));
    buf_free(&line);
}

static enum status run(const struct magic_call *c, struct err *e) {
    (void)e;
    session_each_local(c->session, print_variable, (void *)c);
    session_each_global(c->session, print_variable, (void *)c);
    return OK;
}

const struct magic magic_who = {
    .name = "who",
    .usage = "%who",
    .help = "lists the session's variables\nType, the cell that wrote it last, value or shape, bytes, device.",
    .run = run,
};
