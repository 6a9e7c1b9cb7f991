/* What Enter means in a cell: whether it is whole, and how far its next line is indented. */
#include <string.h>

#include "base/mem.h"
#include "cell/lua.h"
#include "cell/magic_line.h"
#include "cell/name.h"
#include "front/repl/input.h"

/* ---- whole cells ----------------------------------------------------------------------------------------------------- */

static bool ends_in_blank_line(const char *text, size_t n) {
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t')) n--;
    return n > 0 && text[n - 1] == '\n';
}

bool input_is_whole(const char *text, size_t n) {
    struct cell_lua lua = {0};
    struct err e = {0};
    if (n >= 2 && memcmp(text, "%%", 2) == 0) return ends_in_blank_line(text, n);
    if (!memchr(text, '\n', n) && cell_magic_line(text, n).kind != CELL_MAGIC_NONE) return true;
    const bool whole = cell_lua_parse(text, n, &lua, &e) != OK || lua.status != CELL_LUA_INCOMPLETE;
    cell_lua_free(&lua);
    return whole;
}

bool input_ends_in_string(const char *text, size_t n) {
    struct cell_lua lua = {0};
    struct err e = {0};
    const bool tokens = cell_lua_parse(text, n, &lua, &e) == OK && lua.token_count > 0;
    const struct cell_token *last = tokens ? &lua.tokens[lua.token_count - 1] : NULL;
    const bool inside = last && last->kind == CELL_TOKEN_WRONG && strchr("\"'", text[last->span.begin]);
    cell_lua_free(&lua);
    return inside;
}

/* ---- indentation ----------------------------------------------------------------------------------------------------- */

enum { DEEPEST = 64 };

/* Open blocks and brackets: for each the indentation of the line where it begins. */
struct nesting {
    int indentation[DEEPEST];
    int depth;
};

static bool is_one_of(const char *word, size_t n, const char *const *words) {
    for (; *words; words++)
        if (strlen(*words) == n && memcmp(word, *words, n) == 0) return true;
    return false;
}

static const char *const openers[] = {"function", "do", "then", "repeat", "else", "(", "[", "{", NULL};
static const char *const closers[] = {"end", "until", "else", "elseif", ")", "]", "}", NULL};

static size_t word_length(const char *s) {
    size_t n = 0;
    while (cell_is_name(s[n])) n++;
    return n > 0 ? n : *s != 0;
}

bool input_is_closer(const char *word, size_t n) {
    return is_one_of(word, n, closers);
}

static int indentation_at(const char *text, size_t at) {
    while (at > 0 && text[at - 1] != '\n') at--;
    return (int)strspn(text + at, " \t");
}

static void note_token(struct nesting *nest, const char *text, const struct cell_token *t) {
    const char *word = text + t->span.begin;
    const size_t n = t->span.end - t->span.begin;
    if (t->kind != CELL_TOKEN_KEYWORD && t->kind != CELL_TOKEN_OPERATOR) return;
    if (input_is_closer(word, n) && nest->depth > 0) nest->depth--;
    if (is_one_of(word, n, openers) && nest->depth < DEEPEST)
        nest->indentation[nest->depth++] = indentation_at(text, t->span.begin);
}

int input_indentation(const char *text, size_t at, const char *rest) {
    struct nesting nest = {.depth = 0};
    struct cell_lua lua = {0};
    struct err e = {0};
    bool in_literal = false;
    cell_lua_parse(text, at, &lua, &e);
    for (size_t i = 0; i < lua.token_count; i++) {
        note_token(&nest, text, &lua.tokens[i]);
        in_literal = lua.tokens[i].kind == CELL_TOKEN_WRONG;
    }
    cell_lua_free(&lua);
    if (in_literal) return 0;
    if (nest.depth == 0) return indentation_at(text, at);
    rest += strspn(rest, " \t");
    const bool closes = input_is_closer(rest, word_length(rest));
    return nest.indentation[nest.depth - 1] + (closes ? 0 : (int)strlen(INPUT_STEP));
}
