/* JSON over jansson. Invariant: what json_write writes, json_parse and Python's json.loads read back equal. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- NaN and infinities -------------------------------------------------------------------------------------------- */

/* The words Python writes, and the strings that stand for them after parsing: a control character keeps them apart from
 * any text. */
static const struct {
    const char *word, *text;
    double value;
} special[] = {
    {"NaN", "\x01NaN", NAN}, {"Infinity", "\x01Infinity", INFINITY}, {"-Infinity", "\x01-Infinity", -INFINITY}};

enum { SPECIAL = sizeof special / sizeof *special };

bool json_special(const json_t *j, double *x) {
    for (int k = 0; json_is_string(j) && k < SPECIAL; k++)
        if (strcmp(json_string_value(j), special[k].text) == 0) return *x = special[k].value, true;
    return false;
}

static int special_at(const char *text, size_t n) {
    for (int k = 0; k < SPECIAL; k++)
        if (n >= strlen(special[k].word) && memcmp(text, special[k].word, strlen(special[k].word)) == 0) return k;
    return -1;
}

/* The text with these words, outside of strings, as strings. */
static void quote_special(const char *text, size_t n, struct buf *out) {
    bool inside = false;
    for (size_t i = 0; i < n; i++) {
        int k = inside ? -1 : special_at(text + i, n - i);
        if (k >= 0) {
            buf_printf(out, "\"\\u0001%s\"", special[k].word);
            i += strlen(special[k].word) - 1;
            continue;
        }
        if (inside && text[i] == '\\' && i + 1 < n)
            buf_putc(out, text[i++]);
        else if (text[i] == '"')
            inside = !inside;
        buf_putc(out, text[i]);
    }
}

static json_t *parse(const char *text, size_t n, struct err *e) {
    json_error_t error;
    json_t *j = json_loadb(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!j) err_set(e, ERR_VALUE, "JSON %d:%d: %s", error.line, error.column, error.text);
    return j;
}

json_t *json_parse(const char *text, size_t n, struct err *e) {
    if (!memmem(text, n, "NaN", 3) && !memmem(text, n, "Infinity", 8)) return parse(text, n, e);
    struct buf quoted = {0};
    quote_special(text, n, &quoted);
    json_t *j = buf_status(&quoted, e) ? NULL : parse(quoted.data, quoted.len, e);
    buf_free(&quoted);
    return j;
}

/* ---- numbers ------------------------------------------------------------------------------------------------------- */

/* The fewest significant digits that read back as x, and the place of the decimal point before them. */
static int shortest(double x, char digits[32], int *point) {
    char text[40];
    int n = 0;
    for (int precision = 0; precision < 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, x);
        if (strtod(text, NULL) == x) break;
    }
    for (const char *p = text; *p && *p != 'e'; p++)
        if (*p != '.') digits[n++] = *p;
    digits[n] = 0;
    *point = atoi(strchr(text, 'e') + 1) + 1;
    return n;
}

void json_write_double(double x, struct buf *out) {
    char digits[32];
    int point;
    if (isnan(x) || isinf(x)) {
        buf_puts(out, isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
        return;
    }
    if (signbit(x)) buf_putc(out, '-');
    int n = shortest(fabs(x), digits, &point);
    if (x == 0) {
        buf_puts(out, "0.0");
    } else if (point > 16 || point < -3) {
        buf_printf(out, "%c%s%s", digits[0], n > 1 ? "." : "", digits + 1);
        buf_printf(out, "e%c%02d", point > 0 ? '+' : '-', abs(point - 1));
    } else if (point <= 0) {
        buf_printf(out, "0.%.*s%s", -point, "0000", digits);
    } else if (n <= point) {
        buf_printf(out, "%s%.*s.0", digits, point - n, "0000000000000000");
    } else {
        buf_printf(out, "%.*s.%s", point, digits, digits + point);
    }
}

/* ---- text ---------------------------------------------------------------------------------------------------------- */

/* The code point at s, and its length; jansson holds valid UTF-8 alone. */
static unsigned decode(const unsigned char *s, int *n) {
    static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    *n = *s < 0x80 ? 1 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
    unsigned c = *s & mask[*n];
    for (int i = 1; i < *n; i++) c = c << 6 | (s[i] & 0x3f);
    return c;
}

static void write_escape(unsigned c, struct buf *out) {
    static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    const char *at = c && c < 128 ? strchr(plain, (int)c) : NULL;
    if (at)
        buf_printf(out, "\\%c", letter[at - plain]);
    else if (c >= 0x10000)
        buf_printf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
    else
        buf_printf(out, "\\u%04x", c);
}

static void write_string(const char *s, size_t size, bool utf8, struct buf *out) {
    int n;
    buf_putc(out, '"');
    for (size_t i = 0; i < size; i += (size_t)n) {
        unsigned c = decode((const unsigned char *)s + i, &n);
        if (c < 0x20 || c == '"' || c == '\\' || (c > 0x7e && !utf8) || c == 0x7f)
            write_escape(c, out);
        else
            buf_put(out, s + i, (size_t)n);
    }
    buf_putc(out, '"');
}

/* ---- values -------------------------------------------------------------------------------------------------------- */

struct style {
    int indent;
    bool utf8;
};

static void write_value(const json_t *j, struct style s, int depth, struct buf *out);

static void write_break(struct style s, int depth, bool first, struct buf *out) {
    if (!first) buf_puts(out, s.indent ? "," : ", ");
    if (s.indent) buf_printf(out, "\n%*s", s.indent * depth, "");
}

static void write_array(const json_t *j, struct style s, int depth, struct buf *out) {
    size_t n = json_array_size(j);
    buf_putc(out, '[');
    for (size_t i = 0; i < n; i++) {
        write_break(s, depth + 1, i == 0, out);
        write_value(json_array_get(j, i), s, depth + 1, out);
    }
    if (n && s.indent) buf_printf(out, "\n%*s", s.indent * depth, "");
    buf_putc(out, ']');
}

static void write_object(const json_t *j, struct style s, int depth, struct buf *out) {
    const char *key;
    json_t *value;
    bool first = true;
    buf_putc(out, '{');
    json_object_foreach((json_t *)j, key, value) {
        write_break(s, depth + 1, first, out);
        write_string(key, strlen(key), s.utf8, out);
        buf_puts(out, ": ");
        write_value(value, s, depth + 1, out);
        first = false;
    }
    if (!first && s.indent) buf_printf(out, "\n%*s", s.indent * depth, "");
    buf_putc(out, '}');
}

static void write_value(const json_t *j, struct style s, int depth, struct buf *out) {
    double x;
    switch (json_typeof(j)) {
    case JSON_OBJECT: write_object(j, s, depth, out); break;
    case JSON_ARRAY: write_array(j, s, depth, out); break;
    case JSON_STRING:
        if (json_special(j, &x))
            buf_puts(out, json_string_value(j) + 1);
        else
            write_string(json_string_value(j), json_string_length(j), s.utf8, out);
        break;
    case JSON_INTEGER: buf_printf(out, "%lld", (long long)json_integer_value(j)); break;
    case JSON_REAL: json_write_double(json_real_value(j), out); break;
    case JSON_TRUE: buf_puts(out, "true"); break;
    case JSON_FALSE: buf_puts(out, "false"); break;
    case JSON_NULL: buf_puts(out, "null"); break;
    }
}

void json_write(const json_t *j, int indent, bool utf8, struct buf *out) {
    write_value(j, (struct style){indent, utf8}, 0, out);
}
