/* The analysis of a chunk from outside: all tokens first, then one parse over them; and the parser's way through the
 * tokens, with errors worded and placed as Lua does. */
#include "cell/lua.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cell/array.h"
#include "cell/parser.h"

/* ---- errors ---------------------------------------------------------------------------------------------------------
 */

/* After this every token is the end of the text. */
static void stop(struct parser *p) {
    p->failed = true;
    p->token = &p->end;
}

void parser_no_memory(struct parser *p) {
    stop(p);
}

static int column_of(const struct parser *p, size_t at) {
    size_t start = at;
    while (start > 0 && p->source[start - 1] != '\n' && p->source[start - 1] != '\r') start--;
    return (int)(at - start) + 1;
}

/* Records an error at the token `t`, on line `line`, which is a later one when the token spans several. */
static void record(struct parser *p, enum cell_lua_status status, const struct cell_token *t, int line) {
    p->error.status = status;
    p->error.line = line;
    p->error.column = t->line == line ? column_of(p, t->span.begin) : 1;
    p->error.at = t->span.begin;
    stop(p);
}

/* Lua quotes a literal whole; a long one is cut here. */
static void append_near(struct parser *p, const struct cell_token *t) {
    size_t used = strlen(p->error.message), room = sizeof p->error.message - used;
    char *to = p->error.message + used, symbol[32];
    size_t n = t->span.end - t->span.begin;
    symbol_text(t->symbol, symbol, sizeof symbol);
    if (t->kind == CELL_TOKEN_WRONG || (t->symbol >= SYMBOL_NAME && t->symbol <= SYMBOL_STRING))
        snprintf(to, room, " near '%.*s%s'", (int)(n < 80 ? n : 70), p->source + t->span.begin, n < 80 ? "" : "...");
    else if (t->symbol) /* Lua has no words for a NUL */
        snprintf(to, room, " near %s", symbol);
}

void parser_fail(struct parser *p, const char *format, ...) {
    if (p->failed) return;
    va_list args;
    va_start(args, format);
    vsnprintf(p->error.message, sizeof p->error.message, format, args);
    va_end(args);
    append_near(p, p->token);
    enum cell_lua_status status = p->token->symbol == SYMBOL_EOF ? CELL_LUA_INCOMPLETE : CELL_LUA_ERROR;
    record(p, status, p->token, p->token->last_line);
}

void parser_fail_meaning(struct parser *p, const char *format, ...) {
    if (p->failed) return;
    va_list args;
    va_start(args, format);
    vsnprintf(p->error.message, sizeof p->error.message, format, args);
    va_end(args);
    record(p, CELL_LUA_ERROR, p->token, p->token->last_line);
}

/* The lexer's error, when its token's turn has come. */
static void fail_token(struct parser *p, const struct cell_token *t) {
    snprintf(p->error.message, sizeof p->error.message, "%s", p->lexer.message);
    if (p->lexer.at_end) t = &p->end;
    append_near(p, t);
    record(p, p->lexer.at_end ? CELL_LUA_INCOMPLETE : CELL_LUA_ERROR, t, p->lexer.line);
}

/* ---- the way through the tokens
 * -------------------------------------------------------------------------------------- */

static const struct cell_token *token_from(const struct parser *p, size_t i) {
    const struct cell_lua *out = p->out;
    while (i < out->token_count && out->tokens[i].kind == CELL_TOKEN_COMMENT) i++;
    return i < out->token_count ? &out->tokens[i] : &p->end;
}

void parser_advance(struct parser *p) {
    if (p->failed) return;
    p->last = p->token;
    p->token = token_from(p, p->next);
    if (p->token != &p->end) p->next = (size_t)(p->token - p->out->tokens) + 1;
    if (p->token->kind == CELL_TOKEN_WRONG) fail_token(p, p->token);
}

int parser_peek(const struct parser *p) {
    return token_from(p, p->next)->symbol;
}

bool parser_accept(struct parser *p, int symbol) {
    if (p->token->symbol != symbol) return false;
    parser_advance(p);
    return true;
}

void parser_expect(struct parser *p, int symbol) {
    char text[32];
    symbol_text(symbol, text, sizeof text);
    if (p->token->symbol == symbol)
        parser_advance(p);
    else
        parser_fail(p, "%s expected", text);
}

void parser_expect_closing(struct parser *p, int symbol, int opener, int line) {
    if (p->token->symbol == symbol || p->token->last_line == line) {
        parser_expect(p, symbol);
        return;
    }
    char closes[32], opens[32];
    symbol_text(symbol, closes, sizeof closes);
    symbol_text(opener, opens, sizeof opens);
    parser_fail(p, "%s expected (to close %s at line %d)", closes, opens, line);
}

struct word parser_expect_name(struct parser *p) {
    struct cell_span at = p->token->span;
    parser_expect(p, SYMBOL_NAME);
    return (struct word){p->source + at.begin, at.end - at.begin};
}

bool parser_enter_level(struct parser *p) {
    if (p->failed) return false;
    if (p->levels == CELL_LUA_MAX_LEVELS) {
        parser_fail_meaning(p, "too many nested levels (limit is %d)", CELL_LUA_MAX_LEVELS);
        return false;
    }
    p->levels++;
    return true;
}

struct cell_span parser_span_from(const struct parser *p, const struct cell_token *first) {
    return (struct cell_span){first->span.begin, p->last ? p->last->span.end : first->span.end};
}

struct parser_state parser_save(const struct parser *p) {
    return (struct parser_state){p->token,          p->last,        p->next,       p->error,    p->failed,
                                 p->variable_count, p->label_count, p->goto_count, p->use_count};
}

void parser_restore(struct parser *p, const struct parser_state *s) {
    p->token = s->token;
    p->last = s->last;
    p->next = s->next;
    p->error = s->error;
    p->failed = s->failed;
    p->variable_count = s->variable_count;
    p->label_count = s->label_count;
    p->goto_count = s->goto_count;
    p->use_count = s->use_count;
}

/* ---- the whole
 * ------------------------------------------------------------------------------------------------------- */

static bool read_tokens(struct parser *p) {
    struct cell_lua *out = p->out;
    lexer_init(&p->lexer, p->source, p->size);
    for (;;) {
        struct cell_token t, *new;
        lexer_next(&p->lexer, &t);
        if (t.symbol == SYMBOL_EOF) {
            p->end = t;
            return true;
        }
        new = ARRAY_PUSH(out->tokens, out->token_count, p->err);
        if (!new) return false;
        *new = t;
        if (t.kind == CELL_TOKEN_WRONG) break;
    }
    p->end = (struct cell_token){.kind = CELL_TOKEN_OPERATOR, .symbol = SYMBOL_EOF, .span = {p->size, p->size}};
    p->end.line = p->end.last_line = p->lexer.line;
    return true;
}

static void free_names_and_locals(struct cell_lua *c) {
    for (size_t i = 0; i < c->local_count; i++) mem_free(c->locals[i].names);
    for (size_t i = 0; i < c->free_count; i++) mem_free(c->free_names[i].name);
    mem_free(c->locals);
    mem_free(c->free_names);
    c->locals = NULL;
    c->free_names = NULL;
    c->local_count = c->free_count = 0;
}

static void parse(struct parser *p) {
    p->token = &p->end;
    parser_advance(p);
    p->last = NULL;
    parse_chunk(p);
    if (!p->failed) scope_free_names(p);
    if (p->failed) free_names_and_locals(p->out);
    mem_free(p->variables);
    mem_free(p->labels);
    mem_free(p->gotos);
    mem_free(p->uses);
}

enum status cell_lua_parse(const char *source, size_t n, struct cell_lua *out, struct err *e) {
    *out = (struct cell_lua){0};
    struct parser p = {.source = source, .size = n, .out = out, .err = e};
    if (read_tokens(&p)) parse(&p);
    out->status = p.error.status;
    out->line = p.error.line;
    out->column = p.error.column;
    memcpy(out->message, p.error.message, sizeof out->message);
    return e->status;
}

void cell_lua_free(struct cell_lua *c) {
    free_names_and_locals(c);
    mem_free(c->tokens);
    c->tokens = NULL;
    c->token_count = 0;
}

int cell_lua_bracket(const struct cell_lua *c, const char *source, size_t i) {
    if (c->tokens[i].kind != CELL_TOKEN_OPERATOR) return 0;
    const char first = source[c->tokens[i].span.begin];
    return strchr("([{", first) ? 1 : strchr(")]}", first) ? -1 : 0;
}

bool cell_lua_is_expression(const char *source, size_t n) {
    struct buf text = {0};
    struct cell_lua lua = {0};
    struct err e = {0};
    buf_puts(&text, "return ");
    buf_put(&text, source, n);
    const bool is = cell_lua_parse(buf_text(&text), text.len, &lua, &e) == OK && lua.status == CELL_LUA_COMPLETE &&
                    lua.token_count > 1; /* `return` is one */
    cell_lua_free(&lua);
    buf_free(&text);
    return is;
}
