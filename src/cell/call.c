/* The call at the end of a text, from its tokens: the innermost open bracket says it. */
#include "cell/call.h"

#include "base/mem.h"
#include "cell/parser.h"

enum { DEEPEST = 64 };

struct scan {
    const struct cell_token *t; /* tokens without comments */
    size_t count;
    size_t open[DEEPEST]; /* brackets that are not closed, innermost last */
    int depth;
};

static bool scan_brackets(struct scan *s) {
    for (size_t i = 0; i < s->count; i++) {
        const int symbol = s->t[i].symbol;
        if (symbol == '(' || symbol == '{' || symbol == '[') {
            if (s->depth == DEEPEST) return false;
            s->open[s->depth++] = i;
        } else if ((symbol == ')' || symbol == '}' || symbol == ']') && s->depth > 0) {
            s->depth--;
        }
    }
    return s->depth > 0;
}

/* The dotted name that ends before token `end`. */
static bool find_callee(const struct scan *s, size_t end, struct cell_span *out) {
    if (end == 0 || s->t[end - 1].symbol != SYMBOL_NAME) return false;
    size_t first = end - 1;
    while (first >= 2 && (s->t[first - 1].symbol == '.' || s->t[first - 1].symbol == ':')) {
        if (s->t[first - 2].symbol != SYMBOL_NAME) return false; /* a call's or an expression's field */
        first -= 2;
    }
    if (first >= 1 && s->t[first - 1].symbol == SYMBOL_FUNCTION) return false;
    *out = (struct cell_span){s->t[first].span.begin, s->t[end - 1].span.end};
    return true;
}

/* `f{`, or a table that is an argument of f( ). */
static bool find_call(const struct scan *s, struct cell_call *out) {
    const size_t inner = s->open[s->depth - 1];
    out->in_table = s->t[inner].symbol == '{';
    if (s->t[inner].symbol == '[') return false;
    if (find_callee(s, inner, &out->callee)) return true;
    if (!out->in_table || s->depth < 2 || inner == 0) return false;
    const size_t outer = s->open[s->depth - 2];
    const bool argument = s->t[inner - 1].symbol == ',' || inner - 1 == outer;
    return argument && s->t[outer].symbol == '(' && find_callee(s, outer, &out->callee);
}

/* `name =` in the innermost brackets. */
static void find_given(const struct scan *s, struct cell_call *out) {
    int depth = 0;
    for (size_t i = s->open[s->depth - 1] + 1; i + 1 < s->count; i++) {
        const int symbol = s->t[i].symbol;
        depth += symbol == '(' || symbol == '{' || symbol == '[';
        depth -= symbol == ')' || symbol == '}' || symbol == ']';
        const bool given = depth == 0 && symbol == SYMBOL_NAME && s->t[i + 1].symbol == '=';
        if (given && out->given_count < CELL_CALL_NAMES) out->given[out->given_count++] = s->t[i].span;
    }
}

/* Takes the comments out; false where the text ends in a string or a comment. */
static bool take_tokens(struct cell_lua *lua, struct scan *s) {
    for (size_t i = 0; i < lua->token_count; i++) {
        if (lua->tokens[i].kind == CELL_TOKEN_WRONG) return false;
        if (lua->tokens[i].kind != CELL_TOKEN_COMMENT) lua->tokens[s->count++] = lua->tokens[i];
    }
    s->t = lua->tokens;
    return s->count > 0;
}

bool cell_call_at(const char *text, size_t n, struct cell_call *out) {
    struct cell_lua lua = {0};
    struct err e = {0};
    struct scan s = {.t = NULL};
    *out = (struct cell_call){.in_table = false};
    const bool found =
        cell_lua_parse(text, n, &lua, &e) == OK && take_tokens(&lua, &s) && scan_brackets(&s) && find_call(&s, out);
    if (found) {
        const int last = s.t[s.count - 1].symbol;
        if (last == '=' && s.count >= 2 && s.t[s.count - 2].symbol == SYMBOL_NAME)
            out->value_of = s.t[s.count - 2].span;
        out->at_start = last == '(' || last == '{' || last == ',' || last == ';';
        find_given(&s, out);
    }
    cell_lua_free(&lua);
    return found;
}
