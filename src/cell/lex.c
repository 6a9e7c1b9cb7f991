/* Lua 5.4's tokens, one after another. What is wrong with a text is said in the words of Lua's own lexer. */
#include <stdio.h>
#include <string.h>

#include "cell/name.h"
#include "cell/parser.h"

static const char *const names[] = {
    "<eof>", "<name>", "<number>", "<string>", "//",  "..",   "...",    "==",     ">=",    "<=",   "~=",       "<<",
    ">>",    "::",     "and",      "break",    "do",  "else", "elseif", "end",    "false", "for",  "function", "goto",
    "if",    "in",     "local",    "nil",      "not", "or",   "repeat", "return", "then",  "true", "until",    "while",
};

void symbol_text(int symbol, char *out, size_t size) {
    if (symbol >= SYMBOL_EOF)
        snprintf(out, size, symbol <= SYMBOL_STRING ? "%s" : "'%s'", names[symbol - SYMBOL_EOF]);
    else
        snprintf(out, size, symbol >= ' ' && symbol < 127 ? "'%c'" : "'<\\%d>'", symbol);
}

void lexer_init(struct lexer *x, const char *source, size_t n) {
    *x = (struct lexer){.s = source, .n = n, .line = 1};
}

int lexer_peek(const struct lexer *x, size_t ahead) {
    return ahead < x->n - x->at ? (unsigned char)x->s[x->at + ahead] : -1;
}

void lexer_newline(struct lexer *x) {
    int c = lexer_peek(x, 0), next = lexer_peek(x, 1);
    x->at += (next == '\n' || next == '\r') && next != c ? 2 : 1;
    x->line++;
}

void lexer_fail(struct lexer *x, size_t near_end, const char *message) {
    snprintf(x->message, sizeof x->message, "%s", message);
    x->near_end = near_end < x->n ? near_end : x->n;
}

void lexer_fail_at_end(struct lexer *x, const char *message) {
    lexer_fail(x, x->n, message);
    x->at = x->n;
    x->at_end = true;
}

static void skip_line(struct lexer *x) {
    while (x->at < x->n && x->s[x->at] != '\n' && x->s[x->at] != '\r') x->at++;
}

static void skip_space(struct lexer *x) {
    for (;;) {
        int c = lexer_peek(x, 0);
        if (c == '\n' || c == '\r')
            lexer_newline(x);
        else if (c == ' ' || c == '\t' || c == '\f' || c == '\v')
            x->at++;
        else
            return;
    }
}

static bool comment(struct lexer *x) {
    x->at += 2;
    int level = lexer_peek(x, 0) == '[' ? lexer_long_level(x) : -1;
    if (level >= 0) return lexer_long(x, (size_t)level, "comment");
    skip_line(x);
    return true;
}

static int word(struct lexer *x) {
    const char *s = x->s + x->at;
    size_t n = 0;
    while (cell_is_letter(lexer_peek(x, n)) || cell_is_digit(lexer_peek(x, n))) n++;
    x->at += n;
    for (int i = SYMBOL_AND; i <= SYMBOL_WHILE; i++) {
        const char *keyword = names[i - SYMBOL_EOF];
        if (strlen(keyword) == n && !memcmp(keyword, s, n)) return i;
    }
    return SYMBOL_NAME;
}

/* Operators of more than one character; the longer of two with the same start first. */
static int operator_symbol(struct lexer *x) {
    static const int several[] = {SYMBOL_DOTS, SYMBOL_IDIV, SYMBOL_CONCAT, SYMBOL_EQ,  SYMBOL_GE,
                                  SYMBOL_LE,   SYMBOL_NE,   SYMBOL_SHL,    SYMBOL_SHR, SYMBOL_LABEL};
    for (size_t i = 0; i < sizeof several / sizeof *several; i++) {
        const char *text = names[several[i] - SYMBOL_EOF];
        size_t n = strlen(text);
        if (x->n - x->at < n || memcmp(x->s + x->at, text, n) != 0) continue;
        x->at += n;
        return several[i];
    }
    return (unsigned char)x->s[x->at++];
}

static int bracket_or_string(struct lexer *x) {
    int level = lexer_long_level(x);
    if (level == -1) return operator_symbol(x);
    if (level >= 0) {
        lexer_long(x, (size_t)level, "string");
        return SYMBOL_STRING;
    }
    size_t equals = 1;
    while (lexer_peek(x, equals) == '=') equals++;
    lexer_fail(x, x->at + equals, "invalid long string delimiter");
    return SYMBOL_STRING;
}

static enum cell_token_kind kind_of(int symbol) {
    switch (symbol) {
    case SYMBOL_NAME: return CELL_TOKEN_NAME;
    case SYMBOL_NUMBER: return CELL_TOKEN_NUMBER;
    case SYMBOL_STRING: return CELL_TOKEN_STRING;
    default: return symbol >= SYMBOL_AND ? CELL_TOKEN_KEYWORD : CELL_TOKEN_OPERATOR;
    }
}

static int token(struct lexer *x) {
    int c = lexer_peek(x, 0), next = lexer_peek(x, 1);
    if (c < 0) return SYMBOL_EOF;
    if (cell_is_letter(c)) return word(x);
    if (cell_is_digit(c) || (c == '.' && cell_is_digit(next))) return lexer_number(x), SYMBOL_NUMBER;
    if (c == '"' || c == '\'') return lexer_string(x), SYMBOL_STRING;
    if (c == '[') return bracket_or_string(x);
    return operator_symbol(x);
}

static bool at_comment(const struct lexer *x) {
    int c = lexer_peek(x, 0);
    return (c == '-' && lexer_peek(x, 1) == '-') || (c == '#' && lexer_peek(x, 1) == '!' && x->at == 0);
}

void lexer_next(struct lexer *x, struct cell_token *t) {
    skip_space(x);
    x->begin = x->at;
    *t = (struct cell_token){.line = x->line};
    if (at_comment(x)) {
        if (x->s[x->at] == '#')
            skip_line(x);
        else
            comment(x);
        t->kind = CELL_TOKEN_COMMENT;
    } else {
        t->symbol = token(x);
        t->kind = kind_of(t->symbol);
    }
    if (x->message[0]) t->kind = CELL_TOKEN_WRONG;
    t->span = (struct cell_span){x->begin, t->kind == CELL_TOKEN_WRONG ? x->near_end : x->at};
    t->last_line = x->line;
}
