/* A word on syntax errors that come from Python's habits: what Lua writes instead. */
#include <string.h>

#include "cell/lua.h"
#include "cell/name.h"
#include "session/internal.h"

/* Words that begin a line of Python and mean nothing in Lua. */
static const struct {
    const char *word, *hint;
} words[] = {
    {"import", "keras, tensor and the rest are there already; require \"name\" loads a module of Lua's"},
    {"from", "keras, tensor and the rest are there already; require \"name\" loads a module of Lua's"},
    {"def", "a function is written: function f(x) ... end"},
    {"class", "Lua has no classes; a table with functions in it does for most"},
    {"elif", "Lua writes elseif ... then"},
    {"try", "Lua catches errors with: local ok, problem = pcall(f, ...)"},
    {"except", "Lua catches errors with: local ok, problem = pcall(f, ...)"},
    {"with", "Lua closes things with: local f <close> = ..."},
    {"pass", "a block may be empty in Lua"},
};

static bool starts_with(const char *s, size_t n, const char *word) {
    const size_t length = strlen(word);
    return n >= length && memcmp(s, word, length) == 0 && (n == length || !cell_is_name(s[length]));
}

/* A statement that begins with such a word, rather than a variable of that name. */
static const char *first_word(const char *s, size_t n) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!starts_with(s, n, words[i].word)) continue;
        size_t at = strlen(words[i].word);
        while (at < n && s[at] == ' ') at++;
        return at < n && strchr("=.,([", s[at]) ? NULL : words[i].hint;
    }
    return NULL;
}

static const char *operator_at(const char *s, size_t n, size_t at) {
    if (at + 1 < n && s[at] == '!' && s[at + 1] == '=') return "Lua writes ~= for !=";
    if (at < n && at > 0 && s[at] == '=' && strchr("+-*/%", s[at - 1])) return "Lua has no += and the like: x = x + 1";
    if (at < n && s[at] == '!') return "Lua writes not for !";
    return NULL;
}

/* ---- brackets, by the tokens before the error ------------------------------------------------------------------------ */

static bool is_operator(const char *source, const struct cell_lua *lua, size_t i, char c) {
    return i < lua->token_count && lua->tokens[i].kind == CELL_TOKEN_OPERATOR && source[lua->tokens[i].span.begin] == c;
}

/* The token of the bracket that is open before token i; false: none is. */
static bool find_open(const char *source, const struct cell_lua *lua, size_t i, size_t *open) {
    for (int depth = 0; i-- > 0;) {
        depth -= cell_lua_bracket(lua, source, i);
        if (depth < 0) return *open = i, true;
    }
    return false;
}

/* "function (", "function a.b (" */
static bool opens_parameters(const char *source, const struct cell_lua *lua, size_t i) {
    do
        if (i-- == 0) return false;
    while (lua->tokens[i].kind == CELL_TOKEN_NAME || is_operator(source, lua, i, '.') ||
           is_operator(source, lua, i, ':'));
    const struct cell_span word = lua->tokens[i].span;
    return starts_with(source + word.begin, word.end - word.begin, "function");
}

/* x[1:3] is wrong at its colon, x[i:3] one token later, x[i:j] two. */
static bool has_colon(const char *source, const struct cell_lua *lua, size_t i) {
    return is_operator(source, lua, i, ':') || (i > 0 && is_operator(source, lua, i - 1, ':')) ||
           (i > 1 && is_operator(source, lua, i - 2, ':'));
}

static const char *bracket_at(const char *source, const struct cell_lua *lua, size_t at) {
    size_t i = 0, open = 0;
    while (i < lua->token_count && lua->tokens[i].span.begin < at) i++;
    if (is_operator(source, lua, i, '[') && strncmp(lua->message, "unexpected symbol", 17) == 0)
        return "a list is written in braces: {1, 2, 3}";
    if (!find_open(source, lua, i, &open)) return NULL;
    if (is_operator(source, lua, open, '(')) {
        if (!is_operator(source, lua, i, '=') || strncmp(lua->message, "')' expected", 12) != 0) return NULL;
        return opens_parameters(source, lua, open)
                   ? "a parameter has no default value: begin with x = x or 3"
                   : "keywords go in braces: Dense(3, {activation = \"relu\"}), compile{loss = \"mse\"}";
    }
    if (!has_colon(source, lua, i)) return NULL;
    return is_operator(source, lua, open, '[') ? "a slice is a string: x[\"1:3\"], counted from 1, with its end"
                                               : "a table with names is written: {a = 1, [\"a b\"] = 2}";
}

/* ---- lines ----------------------------------------------------------------------------------------------------------- */

/* "if x > 0:", "for i in range(3): print(i)" */
static bool is_block_with_colon(const char *s, size_t n) {
    return memchr(s, ':', n) && (starts_with(s, n, "for") || starts_with(s, n, "if") || starts_with(s, n, "while"));
}

/* "lambda x, y: x + y" */
static bool has_lambda(const char *s, size_t n) {
    for (size_t i = 0; i + 6 < n; i++) {
        if (!starts_with(s + i, n - i, "lambda") || (i > 0 && cell_is_name(s[i - 1]))) continue;
        size_t at = i + 6;
        while (at < n && (cell_is_name(s[at]) || s[at] == ' ' || s[at] == ',')) at++;
        if (at < n && s[at] == ':' && (s[i + 6] == ' ' || (at + 1 < n && s[at + 1] == ' '))) return true;
    }
    return false;
}

static const char *line_hint(const char *s, size_t n) {
    if (has_lambda(s, n)) return "a function without a name is written: function(x) return x end";
    return is_block_with_colon(s, n) ? "a block begins with then or do, and ends with end" : NULL;
}

const char *session_habit(const char *source, size_t n, const struct cell_lua *lua) {
    const int line = lua->line;
    const size_t at = session_find_line(source, n, line).begin + (size_t)lua->column - 1;
    const char *hint = lua->column > 0 ? operator_at(source, n, at) : NULL;
    if (!hint && lua->column > 0) hint = bracket_at(source, lua, at);
    /* What is missing after a colon is missed on the next line with something on it. */
    for (int i = line, seen = 0; !hint && i > 0 && seen < 2; i--) {
        struct cell_span l = session_find_line(source, n, i);
        while (l.begin < l.end && (source[l.begin] == ' ' || source[l.begin] == '\t')) l.begin++;
        const char *s = source + l.begin;
        if (i == line) hint = first_word(s, l.end - l.begin);
        if (!hint) hint = line_hint(s, l.end - l.begin);
        seen += i == line || l.begin < l.end;
    }
    return hint;
}
