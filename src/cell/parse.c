/* Lua 5.4's statements, by recursive descent, with the scopes they open. */
#include <string.h>

#include "cell/array.h"
#include "cell/parser.h"

static enum expression statement(struct parser *p);

static bool block_ends(const struct parser *p, bool with_until) {
    switch (p->token->symbol) {
    case SYMBOL_ELSE:
    case SYMBOL_ELSEIF:
    case SYMBOL_END:
    case SYMBOL_EOF: return true;
    case SYMBOL_UNTIL: return with_until;
    default: return false;
    }
}

static void statements(struct parser *p) {
    while (!block_ends(p, true)) {
        bool is_last = p->token->symbol == SYMBOL_RETURN;
        statement(p);
        if (is_last) return;
    }
}

static void block(struct parser *p) {
    struct block b;
    scope_enter(p, &b, false);
    statements(p);
    scope_leave(p);
}

/* ---- functions ------------------------------------------------------------------------------------------------------
 */

static void parameters(struct parser *p) {
    if (p->token->symbol == ')') return;
    do {
        if (p->token->symbol == SYMBOL_NAME) {
            scope_declare(p, parser_expect_name(p), CELL_PLAIN);
        } else if (parser_accept(p, SYMBOL_DOTS)) {
            p->function->vararg = true;
        } else {
            parser_fail(p, "<name> or '...' expected");
        }
    } while (!p->function->vararg && parser_accept(p, ','));
}

void parse_body(struct parser *p, bool method, int line) {
    struct function f;
    struct block b;
    scope_enter_function(p, &f, &b, line);
    parser_expect(p, '(');
    if (method) scope_declare(p, (struct word){"self", 4}, CELL_PLAIN);
    parameters(p);
    scope_activate(p);
    parser_expect(p, ')');
    statements(p);
    parser_expect_closing(p, SYMBOL_END, SYMBOL_FUNCTION, line);
    scope_leave_function(p);
}

/* function a.b:c() ... end */
static void function_statement(struct parser *p, int line) {
    parser_advance(p);
    struct word name = parser_expect_name(p);
    bool field = p->token->symbol == '.' || p->token->symbol == ':';
    if (field) scope_use(p, name, line, false);
    while (parser_accept(p, '.')) parser_expect_name(p);
    bool method = parser_accept(p, ':');
    if (method) parser_expect_name(p);
    parse_body(p, method, line);
    if (!field) scope_use(p, name, line, true);
}

/* ---- local ----------------------------------------------------------------------------------------------------------
 */

static struct cell_span span_of(const struct parser *p, struct word w) {
    size_t begin = (size_t)(w.s - p->source);
    return (struct cell_span){begin, begin + w.n};
}

/* Notes a name of a `local` statement in the chunk's outermost block; out == NULL elsewhere. */
static void note_local(struct parser *p, struct cell_local_statement *out, struct word name, enum cell_attribute a) {
    if (!out || p->failed) return;
    struct cell_local *l = ARRAY_PUSH(out->names, out->count, p->err);
    if (l)
        *l = (struct cell_local){span_of(p, name), a};
    else
        parser_no_memory(p);
}

static void local_function(struct parser *p, struct cell_local_statement *out) {
    struct word name = parser_expect_name(p);
    if (out) out->function = out->initialised = true;
    note_local(p, out, name, CELL_PLAIN);
    scope_declare(p, name, CELL_PLAIN);
    scope_activate(p);
    parse_body(p, false, p->token->last_line);
}

static enum cell_attribute attribute(struct parser *p) {
    if (!parser_accept(p, '<')) return CELL_PLAIN;
    struct word w = parser_expect_name(p);
    parser_expect(p, '>');
    if (w.n == 5 && !memcmp(w.s, "const", 5)) return CELL_CONST;
    if (w.n == 5 && !memcmp(w.s, "close", 5)) return CELL_CLOSE;
    parser_fail_meaning(p, "unknown attribute '%.*s'", (int)(w.n < 100 ? w.n : 100), w.s);
    return CELL_PLAIN;
}

static void local_variables(struct parser *p, struct cell_local_statement *out) {
    bool closes = false;
    do {
        struct word name = parser_expect_name(p);
        scope_declare(p, name, CELL_PLAIN);
        enum cell_attribute a = attribute(p);
        if (p->failed) return;
        p->variables[p->variable_count - 1].attribute = a;
        if (a == CELL_CLOSE && closes) parser_fail_meaning(p, "multiple to-be-closed variables in local list");
        closes |= a == CELL_CLOSE;
        note_local(p, out, name, a);
    } while (parser_accept(p, ','));
    bool initialised = parser_accept(p, '=');
    if (initialised) parse_expressions(p);
    if (out) out->initialised = initialised;
    scope_activate(p);
}

static void local_statement(struct parser *p) {
    const struct cell_token *first = p->token;
    struct cell_local_statement *out = NULL;
    if (scope_is_outermost(p)) {
        out = ARRAY_PUSH(p->out->locals, p->out->local_count, p->err);
        if (!out) {
            parser_no_memory(p);
            return;
        }
    }
    parser_advance(p);
    if (parser_accept(p, SYMBOL_FUNCTION))
        local_function(p, out);
    else
        local_variables(p, out);
    if (out && !p->failed) out->span = parser_span_from(p, first);
}

/* ---- control
 * ---------------------------------------------------------------------------------------------------------- */

static void while_statement(struct parser *p, int line) {
    struct block b;
    parser_advance(p);
    parse_expression(p);
    scope_enter(p, &b, true);
    parser_expect(p, SYMBOL_DO);
    block(p);
    parser_expect_closing(p, SYMBOL_END, SYMBOL_WHILE, line);
    scope_leave(p);
}

/* The condition sees the block's locals. */
static void repeat_statement(struct parser *p, int line) {
    struct block loop, scope;
    scope_enter(p, &loop, true);
    scope_enter(p, &scope, false);
    parser_advance(p);
    statements(p);
    parser_expect_closing(p, SYMBOL_UNTIL, SYMBOL_REPEAT, line);
    parse_expression(p);
    scope_leave(p);
    scope_leave(p);
}

static void if_statement(struct parser *p, int line) {
    do {
        parser_advance(p); /* if, elseif */
        parse_expression(p);
        parser_expect(p, SYMBOL_THEN);
        block(p);
    } while (p->token->symbol == SYMBOL_ELSEIF);
    if (parser_accept(p, SYMBOL_ELSE)) block(p);
    parser_expect_closing(p, SYMBOL_END, SYMBOL_IF, line);
}

static void declare_for(struct parser *p, int hidden, struct word name) {
    for (int i = 0; i < hidden; i++) scope_declare(p, (struct word){"", 0}, CELL_PLAIN);
    scope_declare(p, name, CELL_PLAIN);
}

static void for_numbers(struct parser *p, struct word name) {
    declare_for(p, 3, name);
    parser_advance(p); /* = */
    parse_expression(p);
    parser_expect(p, ',');
    parse_expression(p);
    if (parser_accept(p, ',')) parse_expression(p);
}

static void for_values(struct parser *p, struct word name) {
    declare_for(p, 4, name);
    while (parser_accept(p, ',')) scope_declare(p, parser_expect_name(p), CELL_PLAIN);
    parser_expect(p, SYMBOL_IN);
    parse_expressions(p);
}

static void for_statement(struct parser *p, int line) {
    struct block b;
    scope_enter(p, &b, true);
    parser_advance(p);
    struct word name = parser_expect_name(p);
    int s = p->token->symbol;
    if (s == '=')
        for_numbers(p, name);
    else if (s == ',' || s == SYMBOL_IN)
        for_values(p, name);
    else
        parser_fail(p, "'=' or 'in' expected");
    parser_expect(p, SYMBOL_DO);
    scope_activate(p);
    block(p);
    parser_expect_closing(p, SYMBOL_END, SYMBOL_FOR, line);
    scope_leave(p);
}

static void goto_statement(struct parser *p) {
    parser_advance(p);
    int line = p->token->last_line;
    scope_goto(p, parser_expect_name(p), line);
}

/* Empty statements after a label belong to it: it may still be the block's last. */
static void label_statement(struct parser *p, int line) {
    parser_advance(p);
    struct word name = parser_expect_name(p);
    parser_expect(p, SYMBOL_LABEL);
    while (p->token->symbol == ';' || p->token->symbol == SYMBOL_LABEL) statement(p);
    scope_label(p, name, line, block_ends(p, false));
}

static void return_statement(struct parser *p) {
    parser_advance(p);
    if (!block_ends(p, true) && p->token->symbol != ';') parse_expressions(p);
    parser_accept(p, ';');
}

/* ---- assignments and calls
 * -------------------------------------------------------------------------------------------- */

static void target(struct parser *p, enum expression kind, struct word name, int line) {
    if (kind == EXPRESSION_NAME)
        scope_use(p, name, line, true);
    else if (kind != EXPRESSION_INDEX)
        parser_fail(p, "syntax error");
}

static enum expression expression_statement(struct parser *p) {
    struct word name;
    int line = p->token->line, levels = p->levels;
    enum expression kind = parse_suffixed(p, &name);
    if (p->token->symbol != '=' && p->token->symbol != ',') {
        if (kind != EXPRESSION_CALL) parser_fail(p, "syntax error");
        if (parse_at_operator(p)) parser_fail(p, "unexpected symbol"); /* `f() + 1` is no statement, nor are two */
        return kind;
    }
    target(p, kind, name, line);
    while (parser_accept(p, ',') && parser_enter_level(p)) {
        line = p->token->line;
        kind = parse_suffixed(p, &name);
        target(p, kind, name, line);
    }
    p->levels = levels;
    parser_expect(p, '=');
    parse_expressions(p);
    return EXPRESSION_VALUE;
}

/* Returns what the statement is when it stands for an expression, else EXPRESSION_VALUE. */
static enum expression statement(struct parser *p) {
    int line = p->token->last_line;
    enum expression kind = EXPRESSION_VALUE;
    if (!parser_enter_level(p)) return kind;
    switch (p->token->symbol) {
    case ';': parser_advance(p); break;
    case SYMBOL_IF: if_statement(p, line); break;
    case SYMBOL_WHILE: while_statement(p, line); break;
    case SYMBOL_DO:
        parser_advance(p);
        block(p);
        parser_expect_closing(p, SYMBOL_END, SYMBOL_DO, line);
        break;
    case SYMBOL_FOR: for_statement(p, line); break;
    case SYMBOL_REPEAT: repeat_statement(p, line); break;
    case SYMBOL_FUNCTION: function_statement(p, line); break;
    case SYMBOL_LOCAL: local_statement(p); break;
    case SYMBOL_LABEL: label_statement(p, line); break;
    case SYMBOL_RETURN: return_statement(p); break;
    case SYMBOL_BREAK:
        parser_advance(p);
        scope_goto(p, (struct word){"", 0}, line);
        break;
    case SYMBOL_GOTO: goto_statement(p); break;
    default: kind = expression_statement(p);
    }
    p->levels--;
    return kind;
}

/* ---- the chunk
 * -------------------------------------------------------------------------------------------------------- */

static bool at_chunk_end(struct parser *p) {
    while (parser_accept(p, ';')) {
    }
    return p->token->symbol == SYMBOL_EOF && !p->failed;
}

/* The statement that began in state `start` is none: perhaps it is the chunk's last expression. Where it is not, the
 * error that stands further on in the text is the one to tell. */
static void try_expressions(struct parser *p, const struct parser_state *start) {
    struct parser_state as_statement = parser_save(p);
    parser_restore(p, start);
    const struct cell_token *first = p->token;
    parse_expressions(p);
    struct cell_span span = parser_span_from(p, first);
    if (!p->failed && at_chunk_end(p))
        p->out->last = span;
    else if (!p->failed || p->error.at <= as_statement.error.at)
        parser_restore(p, &as_statement);
}

void parse_chunk(struct parser *p) {
    struct function f;
    struct block b;
    scope_enter_function(p, &f, &b, 0);
    f.vararg = true;
    while (!block_ends(p, true)) {
        const struct cell_token *first = p->token;
        struct parser_state start = parser_save(p);
        enum expression kind = statement(p);
        if (p->failed) {
            try_expressions(p, &start);
            break;
        }
        struct cell_span span = parser_span_from(p, first);
        if (kind == EXPRESSION_CALL && at_chunk_end(p)) {
            p->out->last = span;
            p->out->last_is_call = true;
        }
        if (first->symbol == SYMBOL_RETURN) break;
    }
    parser_expect(p, SYMBOL_EOF);
    scope_leave_function(p);
}
