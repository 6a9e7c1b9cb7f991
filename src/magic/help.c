/* %help: the magics, one magic, or whatever help() knows. */
#include "magic/magic.h"

#include <string.h>

#include "base/wrap.h"

/* The usage, and the summary in a column of its own, below where the usage needs that, too. */
static void print_line(void *arg, const struct magic *m) {
    enum { COLUMN = 26 };
    const struct magic_call *c = arg;
    const int summary = (int)strcspn(m->help, "\n");
    struct buf line = {0}, text = {0};
    if ((int)strlen(m->usage) + 4 > COLUMN) {
        buf_printf(&text, "  %s\n", m->usage);
        buf_printf(&line, "%*s%.*s", COLUMN, "", summary, m->help);
    } else {
        buf_printf(&line, "  %-*s%.*s", COLUMN - 2, m->usage, summary, m->help);
    }
    wrap_line(buf_text(&line), line.len, session_sink(c->session)->width, COLUMN, &text);
    buf_putc(&text, '\n');
    magic_print_text(c, &text);
    buf_free(&line);
    buf_free(&text);
}

static void print_all(const struct magic_call *c) {
    magic_print(c, "Type Lua, or:\n");
    magic_each(c->session, print_line, (void *)c);
    if (c->notebook)
        magic_print(c, "Enter on an empty line runs the next cell. Cells are numbered as %%list shows them;\n"
                       "text cells have no number.\n");
    magic_print(c, "?thing or help(thing) explains a thing, ??thing shows its source. Tab completes,\n"
                   "Shift-Tab explains the function that is being called, Alt-Enter begins a line;\n"
                   "Ctrl-C stops a cell, Ctrl-D leaves.\n");
}

static void print_magic(const struct magic_call *c, const struct magic *m) {
    struct buf text = {0};
    buf_printf(&text, "%s\n", m->usage);
    for (const char *at = m->help; *at;) { /* a paragraph a line */
        const size_t n = strcspn(at, "\n");
        wrap_line(at, n, session_sink(c->session)->width, 0, &text);
        buf_putc(&text, '\n');
        at += n + (at[n] == '\n');
    }
    magic_print_text(c, &text);
    buf_free(&text);
}

/* Of what is neither that it was perhaps meant to be a magic, too. */
static enum status print_thing(const struct magic_call *c, const char *near, struct err *e) {
    struct buf text = {0}, other = {0};
    if (near) buf_printf(&other, "%%%s", near);
    if (session_help(c->session, c->args, near ? buf_text(&other) : NULL, &text, e) == OK) magic_print_text(c, &text);
    buf_free(&text);
    buf_free(&other);
    return e->status;
}

static enum status run(const struct magic_call *c, struct err *e) {
    const char *name = c->args + strspn(c->args, "%");
    struct err unknown = {0};
    if (!*name) {
        print_all(c);
        return OK;
    }
    struct magic m;
    const bool found = magic_find(c->session, name, strlen(name), &m, &unknown) == OK;
    if (found && (name > c->args || strcmp(m.name, name) == 0)) {
        print_magic(c, &m);
        return OK;
    }
    if (name > c->args) return err_set(e, unknown.status, "%s", unknown.text);
    return print_thing(c, found ? m.name : magic_near(c->session, name), e);
}

const struct magic magic_help = {
    .name = "help",
    .usage = "%help [MAGIC | THING]",
    .help = "this list, or help on a magic or a thing",
    .run = run,
};
