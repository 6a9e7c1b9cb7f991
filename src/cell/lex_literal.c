/* Strings, long brackets and numerals of Lua 5.4, checked as Lua's own lexer checks them; their values are not made. */
#include <stdio.h>

#include "cell/name.h"
#include "cell/parser.h"

static bool is_hex(int c) {
    return cell_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
static bool is_newline(int c) {
    return c == '\n' || c == '\r';
}

/* ---- long brackets --------------------------------------------------------------------------------------------------
 */

int lexer_long_level(const struct lexer *x) {
    int level = 0;
    while (lexer_peek(x, 1 + (size_t)level) == '=') level++;
    if (lexer_peek(x, 1 + (size_t)level) == '[') return level;
    return level ? -2 : -1;
}

static bool closes(const struct lexer *x, size_t level) {
    for (size_t i = 0; i < level; i++)
        if (lexer_peek(x, 1 + i) != '=') return false;
    return lexer_peek(x, 1 + level) == ']';
}

bool lexer_long(struct lexer *x, size_t level, const char *what) {
    int line = x->line;
    x->at += level + 2;
    while (x->at < x->n) {
        int c = lexer_peek(x, 0);
        if (c == ']' && closes(x, level)) {
            x->at += level + 2;
            return true;
        }
        if (is_newline(c))
            lexer_newline(x);
        else
            x->at++;
    }
    char message[80];
    snprintf(message, sizeof message, "unfinished long %s (starting at line %d)", what, line);
    lexer_fail_at_end(x, message);
    return false;
}

/* ---- strings --------------------------------------------------------------------------------------------------------
 */

/* The wrong text ends with the character that is wrong, `ahead` bytes on. */
static bool wrong_escape(struct lexer *x, size_t ahead, const char *message) {
    lexer_fail(x, x->at + ahead + 1, message);
    return false;
}

/* \xXX; x->at is at the backslash in this and the next three. */
static bool hex_escape(struct lexer *x) {
    for (size_t i = 2; i < 4; i++)
        if (!is_hex(lexer_peek(x, i))) return wrong_escape(x, i, "hexadecimal digit expected");
    x->at += 4;
    return true;
}

static unsigned hex_value(int c) {
    return (unsigned)(cell_is_digit(c) ? c - '0' : (c | 32) - 'a' + 10);
}

/* \u{X...}, up to 2^31 */
static bool unicode_escape(struct lexer *x) {
    if (lexer_peek(x, 2) != '{') return wrong_escape(x, 2, "missing '{'");
    size_t i = 3;
    if (!is_hex(lexer_peek(x, i))) return wrong_escape(x, i, "hexadecimal digit expected");
    unsigned code = 0;
    for (; is_hex(lexer_peek(x, i)); i++) {
        if (code > 0x7FFFFFFFu >> 4) return wrong_escape(x, i, "UTF-8 value too large");
        code = code << 4 | hex_value(lexer_peek(x, i));
    }
    if (lexer_peek(x, i) != '}') return wrong_escape(x, i, "missing '}'");
    x->at += i + 1;
    return true;
}

/* \ddd, one to three digits */
static bool decimal_escape(struct lexer *x) {
    int code = 0;
    size_t i = 1;
    for (; i < 4 && cell_is_digit(lexer_peek(x, i)); i++) code = code * 10 + lexer_peek(x, i) - '0';
    if (code > 255) return wrong_escape(x, i, "decimal escape too large");
    x->at += i;
    return true;
}

/* \z and the white space after it */
static void skip_escape(struct lexer *x) {
    x->at += 2;
    for (;;) {
        int c = lexer_peek(x, 0);
        if (is_newline(c))
            lexer_newline(x);
        else if (c == ' ' || c == '\t' || c == '\v' || c == '\f')
            x->at++;
        else
            return;
    }
}

static bool escape(struct lexer *x) {
    int c = lexer_peek(x, 1);
    switch (c) {
    case 'x': return hex_escape(x);
    case 'u': return unicode_escape(x);
    case 'z': skip_escape(x); return true;
    case '\n':
    case '\r':
        x->at++;
        lexer_newline(x);
        return true;
    case -1: x->at++; return true; /* the string's loop sees the end */
    default:
        if (cell_is_digit(c)) return decimal_escape(x);
        for (const char *plain = "abfnrtv\\\"'"; *plain; plain++)
            if (c == *plain) {
                x->at += 2;
                return true;
            }
        return wrong_escape(x, 1, "invalid escape sequence");
    }
}

bool lexer_string(struct lexer *x) {
    int quote = lexer_peek(x, 0);
    x->at++;
    for (;;) {
        int c = lexer_peek(x, 0);
        if (c == quote) break;
        if (c == -1) return lexer_fail_at_end(x, "unfinished string"), false;
        if (is_newline(c)) return lexer_fail(x, x->at, "unfinished string"), false;
        if (c != '\\')
            x->at++;
        else if (!escape(x))
            return false;
    }
    x->at++;
    return true;
}

/* ---- numerals -------------------------------------------------------------------------------------------------------
 */

/* Where the characters of a numeral end, by Lua's generous rule: what they mean is checked afterwards. */
static size_t numeral_end(const struct lexer *x, size_t i, bool hex) {
    for (;;) {
        int c = lexer_peek(x, i);
        if (hex ? c == 'p' || c == 'P' : c == 'e' || c == 'E') {
            int sign = lexer_peek(x, ++i);
            if (sign == '+' || sign == '-') i++;
        } else if (is_hex(c) || c == '.') {
            i++;
        } else {
            return i;
        }
    }
}

/* digits [. digits] [exponent] from i to `end`, with a digit before or after the point */
static bool well_formed(const struct lexer *x, size_t i, size_t end, bool hex) {
    size_t digits = 0;
    for (int points = 0; i < end; i++) {
        int c = lexer_peek(x, i);
        if (c == '.' && points++ == 0) continue;
        if (!(hex ? is_hex(c) : cell_is_digit(c))) break;
        digits++;
    }
    if (digits == 0 || i == end) return digits > 0;
    int mark = lexer_peek(x, i) | 32;
    if (mark != (hex ? 'p' : 'e')) return false;
    i++;
    if (lexer_peek(x, i) == '+' || lexer_peek(x, i) == '-') i++;
    size_t exponent = i;
    while (i < end && cell_is_digit(lexer_peek(x, i))) i++;
    return i == end && i > exponent;
}

bool lexer_number(struct lexer *x) {
    size_t point = lexer_peek(x, 0) == '.'; /* Lua looks for 0x after a first point too, only to refuse it */
    bool hex = lexer_peek(x, point) == '0' && (lexer_peek(x, point + 1) | 32) == 'x';
    size_t start = hex ? point + 2 : 0, end = numeral_end(x, hex ? start : point, hex);
    bool touches = cell_is_letter(lexer_peek(x, end));
    if (touches || (hex && point) || !well_formed(x, start, end, hex)) {
        lexer_fail(x, x->at + end + touches, "malformed number");
        return false;
    }
    x->at += end;
    return true;
}
