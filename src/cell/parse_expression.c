/* Lua 5.4's expressions, by recursive descent with operator precedences. Nothing is built: what matters is where they
 * end, which names they use, and whether they may be assigned to or called. */
#include "cell/parser.h"

static void table(struct parser *p) {
    int line = p->token->last_line;
    parser_expect(p, '{');
    while (p->token->symbol != '}') {
        if (parser_accept(p, '[')) {
            parse_expression(p);
            parser_expect(p, ']');
            parser_expect(p, '=');
        } else if (p->token->symbol == SYMBOL_NAME && parser_peek(p) == '=') {
            parser_advance(p);
            parser_advance(p);
        }
        parse_expression(p);
        if (!parser_accept(p, ',') && !parser_accept(p, ';')) break;
    }
    parser_expect_closing(p, '}', '{', line);
}

static void arguments(struct parser *p, int line) {
    switch (p->token->symbol) {
    case '(':
        parser_advance(p);
        if (p->token->symbol != ')') parse_expressions(p);
        parser_expect_closing(p, ')', '(', line);
        break;
    case '{': table(p); break;
    case SYMBOL_STRING: parser_advance(p); break;
    default: parser_fail(p, "function arguments expected");
    }
}

static bool suffix_follows(const struct parser *p) {
    int s = p->token->symbol;
    return s == '.' || s == '[' || s == ':' || s == '(' || s == '{' || s == SYMBOL_STRING;
}

static enum expression primary(struct parser *p, struct word *name) {
    int line = p->token->last_line;
    switch (p->token->symbol) {
    case '(':
        parser_advance(p);
        parse_expression(p);
        parser_expect_closing(p, ')', '(', line);
        return EXPRESSION_VALUE;
    case SYMBOL_NAME:
        *name = parser_expect_name(p);
        if (!suffix_follows(p)) return EXPRESSION_NAME;
        scope_use(p, *name, line, false);
        return EXPRESSION_VALUE;
    default: parser_fail(p, "unexpected symbol"); return EXPRESSION_VALUE;
    }
}

enum expression parse_suffixed(struct parser *p, struct word *name) {
    int line = p->token->last_line;
    enum expression kind = primary(p, name);
    while (suffix_follows(p)) {
        kind = EXPRESSION_INDEX;
        if (parser_accept(p, '.')) {
            parser_expect_name(p);
        } else if (parser_accept(p, '[')) {
            parse_expression(p);
            parser_expect(p, ']');
        } else {
            if (parser_accept(p, ':')) parser_expect_name(p);
            arguments(p, line);
            kind = EXPRESSION_CALL;
        }
    }
    return kind;
}

static void simple(struct parser *p) {
    struct word name;
    switch (p->token->symbol) {
    case SYMBOL_DOTS:
        if (!p->function->vararg) parser_fail(p, "cannot use '...' outside a vararg function");
        parser_advance(p);
        break;
    case SYMBOL_NUMBER:
    case SYMBOL_STRING:
    case SYMBOL_NIL:
    case SYMBOL_TRUE:
    case SYMBOL_FALSE: parser_advance(p); break;
    case '{': table(p); break;
    case SYMBOL_FUNCTION:
        parser_advance(p);
        parse_body(p, false, p->token->last_line);
        break;
    default: {
        int line = p->token->line;
        if (parse_suffixed(p, &name) == EXPRESSION_NAME) scope_use(p, name, line, false);
    }
    }
}

#define UNARY 12

/* How strongly a binary operator binds to its left and to its right; right < left: to the right associative. */
static void binding(int symbol, int *left, int *right) {
    switch (symbol) {
    case SYMBOL_OR: *left = *right = 1; return;
    case SYMBOL_AND: *left = *right = 2; return;
    case '<':
    case '>':
    case SYMBOL_LE:
    case SYMBOL_GE:
    case SYMBOL_NE:
    case SYMBOL_EQ: *left = *right = 3; return;
    case '|': *left = *right = 4; return;
    case '~': *left = *right = 5; return;
    case '&': *left = *right = 6; return;
    case SYMBOL_SHL:
    case SYMBOL_SHR: *left = *right = 7; return;
    case SYMBOL_CONCAT: *left = 9, *right = 8; return;
    case '+':
    case '-': *left = *right = 10; return;
    case '*':
    case '/':
    case '%':
    case SYMBOL_IDIV: *left = *right = 11; return;
    case '^': *left = 14, *right = 13; return;
    default: *left = *right = 0; return;
    }
}

bool parse_at_operator(const struct parser *p) {
    int left, right;
    binding(p->token->symbol, &left, &right);
    return left > 0;
}

/* An expression whose binary operators all bind more strongly than `limit`. */
static void operation(struct parser *p, int limit) {
    if (!parser_enter_level(p)) return;
    int s = p->token->symbol;
    if (s == SYMBOL_NOT || s == '-' || s == '~' || s == '#') {
        parser_advance(p);
        operation(p, UNARY);
    } else {
        simple(p);
    }
    for (int left, right;;) {
        binding(p->token->symbol, &left, &right);
        if (left <= limit) break;
        parser_advance(p);
        operation(p, right);
    }
    p->levels--;
}

void parse_expression(struct parser *p) {
    operation(p, 0);
}

void parse_expressions(struct parser *p) {
    do parse_expression(p);
    while (parser_accept(p, ','));
}
