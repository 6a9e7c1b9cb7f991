/* Functions and constants of a chunk, found among its tokens. Invariant: the chunk is one that Lua takes, so that each `end`
 * closes the block that was opened last. */
#include "cell/functions.h"

#include <string.h>

#include "base/mem.h"
#include "cell/array.h"
#include "cell/parser.h"

/* A block that is open; of one that is no function the body is empty. */
struct open {
    struct cell_function function;
    bool is_function;
};

struct search {
    const struct cell_lua *lua;
    struct cell_functions *out;
    struct open *open;
    size_t depth;
    struct err *err;
};

/* The token after number i that is no comment. */
static size_t after(const struct cell_lua *lua, size_t i) {
    do i++;
    while (i < lua->token_count && lua->tokens[i].kind == CELL_TOKEN_COMMENT);
    return i;
}

/* The function whose word `function` is token i. */
static struct cell_function begin_function(const struct cell_lua *lua, size_t i) {
    struct cell_function f = {0};
    while (lua->tokens[i].symbol != '(') {
        f.method |= lua->tokens[i].symbol == ':';
        i = after(lua, i);
    }
    f.body.begin = lua->tokens[i].span.begin;
    f.line = lua->tokens[i].line;
    f.parameters = lua->tokens[after(lua, i)].symbol != ')';
    return f;
}

static void open_block(struct search *s, size_t i) {
    struct open *o = ARRAY_PUSH(s->open, s->depth, s->err);
    if (!o) return;
    *o = (struct open){.is_function = s->lua->tokens[i].symbol == SYMBOL_FUNCTION};
    if (o->is_function) o->function = begin_function(s->lua, i);
}

static void close_block(struct search *s, const struct cell_token *end) {
    struct open o = s->open[--s->depth];
    struct cell_function *f = o.is_function ? ARRAY_PUSH(s->out->all, s->out->count, s->err) : NULL;
    if (!f) return;
    *f = o.function;
    f->body.end = end->span.end;
    f->last_line = end->line;
}

static void find_functions(struct search *s) {
    for (size_t i = 0; i < s->lua->token_count && !s->err->status; i++) {
        const struct cell_token *t = &s->lua->tokens[i];
        if (t->kind != CELL_TOKEN_KEYWORD) continue;
        switch (t->symbol) {
        case SYMBOL_FUNCTION:
        case SYMBOL_IF:
        case SYMBOL_DO: open_block(s, i); break;
        case SYMBOL_END: close_block(s, t); break;
        default: break;
        }
    }
}

static bool is_literal(int symbol) {
    return symbol == SYMBOL_NUMBER || symbol == SYMBOL_STRING || symbol == SYMBOL_TRUE || symbol == SYMBOL_FALSE ||
           symbol == SYMBOL_NIL;
}

/* local NAME < const > = [-] LITERAL, whose words are tokens i and following. */
static bool is_constant(const struct cell_lua *lua, const struct cell_local_statement *st, size_t i) {
    enum { WORDS = 6 };
    int line = lua->tokens[i].line;
    for (int k = 0; k < WORDS; k++) i = after(lua, i);
    if (i < lua->token_count && lua->tokens[i].symbol == '-') i = after(lua, i);
    return i < lua->token_count && is_literal(lua->tokens[i].symbol) && lua->tokens[i].span.end == st->span.end &&
           lua->tokens[i].last_line == line;
}

static void find_constants(struct search *s) {
    size_t token = 0;
    for (size_t i = 0; i < s->lua->local_count && !s->err->status; i++) {
        const struct cell_local_statement *st = &s->lua->locals[i];
        while (s->lua->tokens[token].span.begin < st->span.begin) token++;
        if (st->count != 1 || st->names->attribute != CELL_CONST || !st->initialised) continue;
        if (!is_constant(s->lua, st, token)) continue;
        struct cell_span *c = ARRAY_PUSH(s->out->constants, s->out->constant_count, s->err);
        if (c) *c = st->span;
    }
}

enum status cell_functions_find(const char *source, size_t n, struct cell_functions *out, struct err *e) {
    struct cell_lua lua = {0};
    struct search s = {.lua = &lua, .out = out, .err = e};
    *out = (struct cell_functions){0};
    if (cell_lua_parse(source, n, &lua, e) == OK && lua.status == CELL_LUA_COMPLETE) {
        find_functions(&s);
        find_constants(&s);
    }
    mem_free(s.open);
    cell_lua_free(&lua);
    return e->status;
}

void cell_functions_free(struct cell_functions *f) {
    mem_free(f->all);
    mem_free(f->constants);
    *f = (struct cell_functions){0};
}
