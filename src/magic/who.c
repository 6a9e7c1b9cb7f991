/* %who: the session's variables, top-level locals and new globals, by name. */
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "magic/magic.h"
#include "session/describe.h"
#include "session/trail.h"

struct list {
    const struct magic_call *call;
    struct buf *line;
    int count;
    struct err *err;
};

static const char *writer(const struct magic_call *c, const char *name) {
    const struct trail *t = session_trail(c->session);
    const int w = t ? trail_writer(t, name, trail_count(t)) : -1;
    return w < 0 ? "" : trail_at(t, w)->cell;
}

/* Whether it is one of the types, or none is given. */
static bool is_wanted(const char *types, const char *type) {
    const size_t n = strlen(type);
    for (const char *at = types; *at; at += strspn(at, " ")) {
        const size_t word = strcspn(at, " ");
        if (word == n && strncmp(at, type, n) == 0) return true;
        at += word;
    }
    return !*types;
}

static void add_variable(void *arg, lua_State *L, const char *name) {
    struct list *list = arg;
    const struct magic_call *c = list->call;
    struct description d;
    session_describe(L, lua_gettop(L), &d);
    if (!is_wanted(c->args, d.type)) return;
    struct buf *more = mem_realloc(list->line, (size_t)(list->count + 1) * sizeof *more, list->err);
    if (!more) return;
    list->line = more;
    struct buf *line = &list->line[list->count++];
    *line = (struct buf){0};
    buf_printf(line, "%-20s %-14s %-7s %s", name, d.type, writer(c, name), d.text);
    if (d.bytes > 0) {
        buf_puts(line, "  ");
        units_bytes((double)d.bytes, line);
    }
    if (d.device) buf_printf(line, "  %s", d.device);
}

static int by_name(const void *a, const void *b) {
    return strcmp(buf_text(a), buf_text(b));
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct list list = {.call = c, .err = e};
    session_each_local(c->session, add_variable, &list);
    session_each_global(c->session, add_variable, &list);
    if (list.count > 0) qsort(list.line, (size_t)list.count, sizeof *list.line, by_name);
    for (int i = 0; i < list.count; i++) {
        magic_print(c, "%s\n", buf_text(&list.line[i]));
        buf_free(&list.line[i]);
    }
    mem_free(list.line);
    if (*c->args && list.count == 0 && !e->status) magic_print(c, "no variable has the type %s\n", c->args);
    return e->status;
}

const struct magic magic_who = {
    .name = "who",
    .usage = "%who [TYPE ...]",
    .help = "lists the session's variables\nType, the cell that wrote it last, value or shape, bytes, device. With "
            "types, as in %who tensor number: those of these types alone.",
    .run = run,
};
