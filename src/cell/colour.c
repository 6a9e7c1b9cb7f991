/* Which token has which colour, for all who show Lua. */
#include "cell/colour.h"

#include <string.h>

const char *cell_colour(enum cell_token_kind kind) {
    switch (kind) {
    case CELL_TOKEN_KEYWORD: return "\033[35m";
    case CELL_TOKEN_STRING: return "\033[32m";
    case CELL_TOKEN_NUMBER: return "\033[36m";
    case CELL_TOKEN_COMMENT: return "\033[2m";
    default: return "";
    }
}

static void put(const char *text, size_t n, const char *colour, struct buf *out) {
    while (n > 0) {
        const char *end = memchr(text, '\n', n);
        const size_t line = end ? (size_t)(end - text) : n;
        if (line > 0) {
            buf_puts(out, colour);
            buf_put(out, text, line);
            if (*colour) buf_puts(out, "\033[0m");
        }
        if (end) buf_putc(out, '\n');
        text += line + (end != NULL);
        n -= line + (end != NULL);
    }
}

void cell_put_coloured(const char *source, size_t n, struct buf *out) {
    struct cell_lua lua = {0};
    struct err e = {0};
    size_t at = 0;
    cell_lua_parse(source, n, &lua, &e);
    for (size_t i = 0; i < lua.token_count; i++) {
        const struct cell_token *t = &lua.tokens[i];
        put(source + at, t->span.begin - at, "", out);
        put(source + t->span.begin, t->span.end - t->span.begin, cell_colour(t->kind), out);
        at = t->span.end;
    }
    put(source + at, n - at, "", out);
    cell_lua_free(&lua);
}
