/* %diff: which variables the last cell changed, and how. */
#include <lauxlib.h>
#include <string.h>

#include "magic/magic.h"
#include "session/describe.h"
#include "session/snapshot.h"

struct diff {
    const struct magic_call *call;
    const char *cell;
    int count;
};

static void put_value(lua_State *L, int index, struct buf *out) {
    struct description d;
    struct buf numbers = {0};
    session_describe(L, index, &d);
    session_statistics(L, index, &numbers);
    if (!*d.text || d.bytes > 0) buf_printf(out, "%s%s", d.type, *d.text ? " " : "");
    buf_printf(out, "%s%s%s", d.text, numbers.len ? ", " : "", buf_text(&numbers));
    buf_free(&numbers);
}

static void show(void *arg, lua_State *L, const char *name, bool known) {
    struct diff *d = arg;
    struct buf line = {0};
    const int then = lua_gettop(L) - 1, now = then + 1;
    if (d->count++ == 0) magic_print(d->call, "%s changed\n", d->cell);
    buf_printf(&line, "  %s: ", name);
    if (!known) {
        buf_puts(&line, "new, ");
        put_value(L, now, &line);
    } else if (lua_rawequal(L, then, now)) {
        buf_puts(&line, "the same object, changed within: ");
        put_value(L, now, &line);
    } else {
        put_value(L, then, &line);
        buf_puts(&line, " -> ");
        put_value(L, now, &line);
    }
    magic_print(d->call, "%s\n", buf_text(&line));
    buf_free(&line);
}

/* Cells that only showed something are passed over. */
static enum status run(const struct magic_call *c, struct err *e) {
    struct diff d = {.call = c};
    const struct snapshot *before;
    for (int back = 0; d.count == 0 && (before = session_snapshot_before(c->session, back, &d.cell)); back++)
        if (snapshot_changes(before, show, &d, e)) return e->status;
    if (d.count == 0) magic_print(c, "nothing was changed by a cell whose state before is still kept\n");
    return OK;
}

const struct magic magic_diff = {
    .name = "diff",
    .usage = "%diff",
    .help = "shows which variables the last cell changed\n"
            "What they were and what they are; of tensors the shape, the mean and the range.",
    .run = run,
};
