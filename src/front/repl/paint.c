/* The styles of what is typed: Lua's tokens, magics, and the brackets that belong together. */
#include <string.h>

#include "base/mem.h"
#include "cell/lua.h"
#include "cell/magic_line.h"
#include "front/repl/input.h"

static enum input_style style_of(const struct cell_token *t, const char *text) {
    switch (t->kind) {
    case CELL_TOKEN_KEYWORD: return INPUT_KEYWORD;
    case CELL_TOKEN_STRING: return INPUT_STRING;
    case CELL_TOKEN_NUMBER: return INPUT_NUMBER;
    case CELL_TOKEN_COMMENT: return INPUT_COMMENT;
    case CELL_TOKEN_WRONG: /* an unfinished string is one; what begins as a comment will be one */
        return strchr("\"'[", text[t->span.begin]) ? INPUT_STRING
               : text[t->span.begin] == '-'        ? INPUT_COMMENT
                                                   : INPUT_WRONG;
    default: return INPUT_PLAIN;
    }
}

/* Paints to the first wrong token, or to the end; returns where it stopped. */
static size_t paint_tokens(const char *text, size_t from, size_t to, unsigned char *style) {
    struct cell_lua lua = {0};
    struct err e = {0};
    size_t stop = to;
    cell_lua_parse(text + from, to - from, &lua, &e);
    for (size_t i = 0; i < lua.token_count; i++) {
        const struct cell_token *t = &lua.tokens[i];
        const size_t begin = from + t->span.begin, end = from + t->span.end;
        memset(style + begin, style_of(t, text + from), end - begin);
        if (t->kind == CELL_TOKEN_WRONG) stop = end > begin ? end : begin + 1;
    }
    cell_lua_free(&lua);
    return stop;
}

static void paint_lua(const char *text, size_t from, size_t to, unsigned char *style) {
    while (from < to) from = paint_tokens(text, from, to, style);
}

/* The magic's name with the signs before it. */
static void paint_magic(const struct cell_magic *m, unsigned char *style) {
    const size_t end = m->name.end > m->line.begin ? m->name.end : m->line.begin + 1;
    memset(style + m->line.begin, INPUT_MAGIC, end - m->line.begin);
}

/* ---- brackets -------------------------------------------------------------------------------------------------------- */

static const char opening[] = "([{", closing[] = ")]}";

static bool is_bracket(const char *text, const unsigned char *style, size_t i) {
    return text[i] && style[i] == INPUT_PLAIN && (strchr(opening, text[i]) || strchr(closing, text[i]));
}

/* Whether the bracket at `at` has its other one, and where. */
static bool find_other(const char *text, size_t n, const unsigned char *style, size_t at, size_t *other) {
    const char *open = strchr(opening, text[at]), *close = strchr(closing, text[at]);
    const char mine = text[at], its = open ? closing[open - opening] : opening[close - closing];
    int depth = 0;
    for (size_t i = at; i < n; i += open ? 1 : (size_t)-1) { /* down past 0 is more than n */
        if (style[i] != INPUT_PLAIN) continue;
        depth += text[i] == mine;
        depth -= text[i] == its;
        if (depth > 0) continue;
        *other = i;
        return true;
    }
    return false;
}

/* The bracket before the cursor, which was just typed, goes before the one below it. */
static void mark_brackets(const char *text, size_t n, size_t point, unsigned char *style) {
    size_t at = point, other;
    if (point > n) return;
    if (point > 0 && is_bracket(text, style, point - 1))
        at = point - 1;
    else if (point == n || !is_bracket(text, style, point))
        return;
    if (!find_other(text, n, style, at, &other)) return;
    style[at] = style[other] = INPUT_MATCH;
}

void input_paint(const char *text, size_t n, size_t point, unsigned char *style) {
    struct cell_magic m;
    size_t at = 0;
    memset(style, INPUT_PLAIN, n);
    for (size_t from = 0; cell_magic_next(text, n, from, &m); from = at = m.line.end) {
        paint_lua(text, at, m.line.begin, style);
        paint_magic(&m, style);
    }
    paint_lua(text, at, n, style);
    mark_brackets(text, n, point, style);
}
