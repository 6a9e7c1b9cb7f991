/* %help: the magics, one magic, or whatever help() knows. */
#include "magic/magic.h"

#include <string.h>

static void print_line(void *arg, const struct magic *m) {
    magic_print(arg, "  %-22s %.*s\n", m->usage, (int)strcspn(m->help, "\n"), m->help);
}

static void print_all(const struct magic_call *c) {
    magic_print(c, "Type Lua, or:\n");
    magic_each(c->session, print_line, (void *)c);
    if (c->notebook)
        magic_print(c, "Enter on an empty line runs the next cell. Cells are numbered as %%list shows them;\n"
                       "text cells have no number.\n");
    magic_print(c, "?thing or help(thing) explains a thing; Tab completes; Ctrl-C stops a cell; Ctrl-D leaves.\n");
}

static enum status run(const struct magic_call *c, struct err *e) {
    const char *name = c->args + strspn(c->args, "%");
    struct err unknown = {0};
    if (!*name) {
        print_all(c);
        return OK;
    }
    struct magic m;
    if (magic_find(c->session, name, strlen(name), &m, &unknown) == OK && strcmp(m.name, name) == 0) {
        magic_print(c, "%s\n%s\n", m.usage, m.help);
        return OK;
    }
    struct buf text = {0};
    if (session_help(c->session, name, &text, e) == OK) magic_print(c, "%s", buf_text(&text));
    buf_free(&text);
    return e->status;
}

const struct magic magic_help = {
    .name = "help",
    .usage = "%help [MAGIC | THING]",
    .help = "this list, or help on a magic or a thing",
    .run = run,
};
