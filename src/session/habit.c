/* A word on syntax errors that come from Python's habits: what Lua writes instead. */
#include <string.h>

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

/* "if x > 0:", "for i in range(3): print(i)" */
static bool is_block_with_colon(const char *s, size_t n) {
    return memchr(s, ':', n) && (starts_with(s, n, "for") || starts_with(s, n, "if") || starts_with(s, n, "while"));
}

const char *session_habit(const char *source, size_t n, int line, int column) {
    const struct cell_span whole = session_find_line(source, n, line);
    const char *hint = column > 0 ? operator_at(source, n, whole.begin + (size_t)column - 1) : NULL;
    /* What is missing after a colon is missed on the next line with something on it. */
    for (int i = line, seen = 0; !hint && i > 0 && seen < 2; i--) {
        struct cell_span l = session_find_line(source, n, i);
        while (l.begin < l.end && (source[l.begin] == ' ' || source[l.begin] == '\t')) l.begin++;
        const char *s = source + l.begin;
        if (i == line) hint = first_word(s, l.end - l.begin);
        if (!hint && is_block_with_colon(s, l.end - l.begin))
            hint = "a block begins with then or do, and ends with end";
        seen += i == line || l.begin < l.end;
    }
    return hint;
}
