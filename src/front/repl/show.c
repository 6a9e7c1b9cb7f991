/* A cell as the reader sees it before it runs: text cells above, then the title and numbered lines of code. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cell/lua.h"
#include "front/repl/repl.h"

void repl_print(struct repl *r, const char *format, ...) {
    struct buf text = {0};
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *room = n > 0 ? buf_room(&text, (size_t)n) : NULL;
    if (room) {
        vsnprintf(room, (size_t)n + 1, format, again);
        r->console.sink.text(&r->console.sink, SINK_OUT, room, (size_t)n);
    }
    va_end(again);
    va_end(args);
    buf_free(&text);
}

static const char *style(const struct repl *r, const char *code) {
    return r->console.sink.colour ? code : "";
}

static const char *colour_of(const struct repl *r, enum cell_token_kind kind) {
    switch (kind) {
    case CELL_TOKEN_KEYWORD: return style(r, "\033[35m");
    case CELL_TOKEN_STRING: return style(r, "\033[32m");
    case CELL_TOKEN_NUMBER: return style(r, "\033[36m");
    case CELL_TOKEN_COMMENT: return style(r, "\033[2m");
    default: return "";
    }
}

/* Source bytes [from, to) with a number before each line; *line counts on. */
static void put_source(struct repl *r, const char *source, size_t from, size_t to, const char *colour, int *line) {
    for (size_t i = from; i < to;) {
        size_t n = strcspn(source + i, "\n");
        if (i + n > to) n = to - i;
        repl_print(r, "%s%.*s%s", colour, (int)n, source + i, *colour ? "\033[0m" : "");
        i += n;
        if (i < to && source[i] == '\n') {
            i++;
            repl_print(r, "\n%s%3d%s  ", style(r, "\033[2m"), ++*line, style(r, "\033[0m"));
        }
    }
}

static void show_code(struct repl *r, const struct cell *c) {
    struct cell_lua lua = {0};
    struct err e = {0};
    size_t at = 0;
    int line = 1;
    repl_print(r, "%s%3d%s  ", style(r, "\033[2m"), line, style(r, "\033[0m"));
    if (cell_lua_parse(c->source, c->size, &lua, &e) == OK) {
        for (size_t i = 0; i < lua.token_count; i++) {
            const struct cell_token *t = &lua.tokens[i];
            put_source(r, c->source, at, t->span.begin, "", &line);
            put_source(r, c->source, t->span.begin, t->span.end, colour_of(r, t->kind), &line);
            at = t->span.end;
        }
    }
    put_source(r, c->source, at, c->size, "", &line);
    repl_print(r, "\n");
    cell_lua_free(&lua);
}

void repl_show_cell(struct repl *r, int n) {
    const struct notebook *nb = r->notebook.notebook;
    int at = magic_cell_index(&r->notebook, n), first = at;
    while (first > 0 && nb->cells[first - 1].kind != CELL_CODE) first--;
    repl_print(r, "\n");
    for (int i = first; i < at; i++)
        if (nb->cells[i].kind == CELL_MARKDOWN) repl_show_markdown(r, nb->cells[i].source);
    repl_print(r, "%s[%d] %s%s\n", style(r, "\033[1m"), n, nb->cells[at].title, style(r, "\033[0m"));
    show_code(r, &nb->cells[at]);
}

void repl_show_next(struct repl *r) {
    struct magic_notebook *nb = &r->notebook;
    if (!nb->notebook) return;
    if (nb->next <= nb->count)
        repl_show_cell(r, nb->next);
    else
        repl_print(r, "\nThis was the last cell. Type Lua, %%list, %%rerun N, or Ctrl-D to leave.\n");
}
