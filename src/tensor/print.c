/* Printing as NumPy 2 does: precision 8, threshold 1000, 3 items at each edge, lines of 75. Invariant: a summarised tensor
 * is read at its edges alone. Sources: numpy/_core/arrayprint.py (formats), Steele and White 1990 (shortest digits). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tensor/tensor.h"

enum { THRESHOLD = 1000, EDGE = 3, LINE = 75, PRECISION = 8, WORD = 400 };

/* How the elements of a tensor are written: all padded to one width. */
struct format {
    enum dtype dtype;
    bool exponent;
    int left, right; /* characters before the point, digits after it */
    int width;       /* of anything that is no float, of nan and inf */
    int exponent_digits;
};

/* ---- elements ------------------------------------------------------------------------------------------------------ */

static double float_at(enum dtype d, const char *p) {
    return d == DT_FLOAT32 ? *(const float *)p : *(const double *)p;
}

static bool reads_back(enum dtype d, const char *text, double x) {
    return d == DT_FLOAT32 ? strtof(text, NULL) == (float)x : strtod(text, NULL) == x;
}

/* The shortest digits that read back as |x|, and the exponent of the first. */
static int shortest(enum dtype d, double x, char digits[32], int *exponent) {
    char text[48];
    int n = 0;
    for (int p = 0; p < 17; p++) {
        snprintf(text, sizeof text, "%.*e", p, fabs(x));
        if (reads_back(d, text, fabs(x))) break;
    }
    for (const char *c = text; *c && *c != 'e'; c++)
        if (*c != '.') digits[n++] = *c;
    while (n > 1 && digits[n - 1] == '0') n--;
    digits[n] = 0;
    *exponent = atoi(strchr(text, 'e') + 1);
    return n;
}

/* |x| without exponent, in the shortest form or rounded to PRECISION decimals: digits before and after the point. */
static void positional(enum dtype d, double x, char *whole, char *fraction) {
    char digits[40], text[WORD];
    int exponent, n = shortest(d, x, digits, &exponent);
    int decimals = n - 1 - exponent;
    if (decimals < 0 || x == 0) decimals = 0;
    snprintf(text, sizeof text, "%.*f", decimals < PRECISION ? decimals : PRECISION, fabs(x));
    char *point = strchr(text, '.');
    snprintf(fraction, WORD, "%s", point ? point + 1 : "");
    snprintf(whole, WORD, "%.*s", point ? (int)(point - text) : WORD - 1, text);
    if (d == DT_FLOAT32 && exponent >= n) { /* float32's own digits, then zeros: 16777216 is exact, 1.2e20 is not */
        memset(whole, '0', (size_t)exponent + 1);
        memcpy(whole, digits, (size_t)n);
    }
    size_t f = strlen(fraction);
    while (f > 0 && fraction[f - 1] == '0') fraction[--f] = 0;
}

/* |x| as digits "1.25" and its exponent, at most PRECISION digits behind the point. Returns how many are behind it. */
static int scientific(enum dtype d, double x, char digits[40], int *exponent) {
    char text[48];
    int n = shortest(d, x, digits, exponent);
    if (n <= PRECISION + 1) return n - 1;
    snprintf(text, sizeof text, "%.*e", PRECISION, fabs(x));
    n = 0;
    for (const char *c = text; *c && *c != 'e'; c++)
        if (*c != '.') digits[n++] = *c;
    while (n > 1 && digits[n - 1] == '0') n--;
    digits[n] = 0;
    *exponent = atoi(strchr(text, 'e') + 1);
    return n - 1;
}

static void write_padded(struct buf *out, const char *text, int width) {
    buf_printf(out, "%*s", width, text);
}

/* Digits beyond the shortest are those of the number itself, not zeros. */
static void write_scientific(const struct format *f, double x, struct buf *out) {
    char digits[48], text[64];
    snprintf(digits, sizeof digits, "%.*e", f->right, fabs(x));
    char *e = strchr(digits, 'e');
    int exponent = atoi(e + 1);
    *e = 0;
    snprintf(text, sizeof text, "%s%s%se%c%0*d", signbit(x) ? "-" : "", digits, f->right ? "" : ".",
             exponent < 0 ? '-' : '+', f->exponent_digits, abs(exponent));
    write_padded(out, text, f->width);
}

static void write_float(const struct format *f, double x, struct buf *out) {
    char whole[WORD], fraction[WORD], text[900];
    if (isnan(x) || isinf(x)) {
        write_padded(out, isnan(x) ? "nan" : x > 0 ? "inf" : "-inf", f->width);
        return;
    }
    const char *sign = signbit(x) ? "-" : "";
    if (f->exponent) {
        write_scientific(f, x, out);
        return;
    }
    positional(f->dtype, x, whole, fraction);
    snprintf(text, sizeof text, "%s%s", sign, whole);
    buf_printf(out, "%*s.%-*s", f->left, text, f->right, fraction);
}

static void write_element(const struct format *f, const char *p, struct buf *out) {
    char text[32];
    switch (f->dtype) {
    case DT_BOOL: write_padded(out, *(const uint8_t *)p ? "True" : "False", f->width); return;
    case DT_UINT8: snprintf(text, sizeof text, "%d", *(const uint8_t *)p); break;
    case DT_INT32: snprintf(text, sizeof text, "%d", *(const int32_t *)p); break;
    case DT_INT64: snprintf(text, sizeof text, "%lld", (long long)*(const int64_t *)p); break;
    default: write_float(f, float_at(f->dtype, p), out); return;
    }
    write_padded(out, text, f->width);
}

/* ---- the common format --------------------------------------------------------------------------------------------- */

static int longer(int a, int b) {
    return a > b ? a : b;
}

static void fit_exponent(struct format *f, const char *p, int64_t n) {
    char digits[40];
    int left = 1, widest = 0;
    f->exponent_digits = 2;
    for (int64_t i = 0; i < n; i++) {
        double x = float_at(f->dtype, p + i * (int64_t)dtype_size(f->dtype));
        int exponent;
        if (!isfinite(x)) {
            widest = longer(widest, isinf(x) && x < 0 ? 4 : 3);
            continue;
        }
        f->right = longer(f->right, scientific(f->dtype, x, digits, &exponent));
        if (abs(exponent) > 99) f->exponent_digits = 3;
        if (signbit(x)) left = 2;
    }
    f->width = longer(widest, left + 1 + f->right + 2 + f->exponent_digits);
}

static void fit_positional(struct format *f, const char *p, int64_t n) {
    char whole[WORD], fraction[WORD];
    int widest = 0;
    for (int64_t i = 0; i < n; i++) {
        double x = float_at(f->dtype, p + i * (int64_t)dtype_size(f->dtype));
        if (!isfinite(x)) {
            widest = longer(widest, isinf(x) && x < 0 ? 4 : 3);
            continue;
        }
        positional(f->dtype, x, whole, fraction);
        f->left = longer(f->left, (int)strlen(whole) + (signbit(x) != 0));
        f->right = longer(f->right, (int)strlen(fraction));
    }
    if (widest > f->left + 1 + f->right) f->left = widest - 1 - f->right;
    f->width = f->left + 1 + f->right;
}

/* NumPy 2.3's rule, in the array's own precision: exponents where the largest is 1e8 or more (1e6 in float32), the
 * smallest is under 1e-4, or they are more than 1000 apart. */
static bool wants_exponent(enum dtype d, const char *p, int64_t n) {
    double most = 0, least = INFINITY;
    for (int64_t i = 0; i < n; i++) {
        double x = fabs(float_at(d, p + i * (int64_t)dtype_size(d)));
        if (!isfinite(x) || x == 0) continue;
        if (x > most) most = x;
        if (x < least) least = x;
    }
    if (most == 0) return false;
    if (d == DT_FLOAT32) return most >= 1e6 || least < (double)1e-4F || (float)most / (float)least > 1000;
    return most >= 1e8 || least < 1e-4 || most / least > 1000;
}

static struct format fit_format(enum dtype d, const char *p, int64_t n) {
    struct format f = {.dtype = d, .width = d == DT_BOOL ? (int)strlen("False") : 0};
    if (dtype_is_float(d)) {
        f.exponent = wants_exponent(d, p, n);
        if (f.exponent)
            fit_exponent(&f, p, n);
        else
            fit_positional(&f, p, n);
        return f;
    }
    for (int64_t i = 0; i < n; i++) {
        struct buf text = {0};
        write_element(&(struct format){.dtype = d}, p + i * (int64_t)dtype_size(d), &text);
        f.width = longer(f.width, (int)text.len);
        buf_free(&text);
    }
    return f;
}

/* ---- layout -------------------------------------------------------------------------------------------------------- */

/* The printed part: a copy of the tensor, or of its edges where it is summarised. */
struct page {
    struct shape shape; /* of the copy */
    bool cut[TENSOR_MAX_RANK];
    const char *data;
    struct format format;
    struct buf *out;
};

/* Adds a word to the line that is being filled, on a new line where it would not fit. */
static void extend_line(struct page *g, struct buf *line, const char *word, size_t n, int width, int indent) {
    if ((int)(line->len + n) > width) {
        while (line->len > 0 && line->data[line->len - 1] == ' ') line->len--;
        buf_put(g->out, buf_text(line), line->len);
        buf_putc(g->out, '\n');
        line->len = 0;
        buf_printf(line, "%*s", indent, "");
    }
    buf_put(line, word, n);
}

/* The innermost axis; the first `indent` columns of its first line stand already. */
static void write_row(struct page *g, int64_t first, int indent, int width) {
    int axis = g->shape.rank - 1;
    int64_t n = g->shape.dim[axis];
    struct buf line = {0};
    buf_printf(&line, "%*s", indent, "");
    size_t start = g->out->len;
    for (int64_t i = 0; i < n; i++) {
        struct buf word = {0};
        if (g->cut[axis] && i == EDGE) {
            extend_line(g, &line, "...", 3, width - 1, indent);
            buf_putc(&line, ' ');
        }
        write_element(&g->format, g->data + (first + i) * (int64_t)dtype_size(g->format.dtype), &word);
        extend_line(g, &line, buf_text(&word), word.len, width - 1, indent);
        if (i < n - 1) buf_putc(&line, ' ');
        buf_free(&word);
    }
    size_t skip = g->out->len == start ? (size_t)indent : 0;
    buf_put(g->out, buf_text(&line) + skip, line.len - skip);
    buf_free(&line);
}

/* One axis in brackets. The first line of a row that wraps has lost its indent to the brackets before it. */
static void write_axis(struct page *g, int axis, int64_t first, int indent, int width) {
    int64_t n = g->shape.dim[axis], block = 1;
    for (int i = axis + 1; i < g->shape.rank; i++) block *= g->shape.dim[i];
    buf_putc(g->out, '[');
    if (axis == g->shape.rank - 1) {
        struct buf row = {0}, *out = g->out;
        g->out = &row;
        write_row(g, first, indent, width);
        g->out = out;
        bool wrapped = row.len > 0 && memchr(row.data, '\n', row.len);
        buf_put(out, buf_text(&row) + (wrapped ? indent : 0), row.len - (size_t)(wrapped ? indent : 0));
        buf_free(&row);
    } else {
        for (int64_t i = 0; i < n; i++) {
            int gap = g->shape.rank - axis - 1;
            if (g->cut[axis] && i == EDGE) {
                buf_puts(g->out, "...");
                for (int k = 0; k < gap; k++) buf_putc(g->out, '\n');
                buf_printf(g->out, "%*s", indent, "");
            }
            write_axis(g, axis + 1, first + i * block, indent + 1, width - 1);
            for (int k = 0; k < gap && i < n - 1; k++) buf_putc(g->out, '\n');
            if (i < n - 1) buf_printf(g->out, "%*s", indent, "");
        }
    }
    buf_putc(g->out, ']');
}

/* ---- reading what is shown ----------------------------------------------------------------------------------------- */

static enum status read_edges(const struct tensor *t, const struct page *g, char *data, struct err *e) {
    int64_t n = shape_size(&g->shape), index[TENSOR_MAX_RANK] = {0};
    size_t item = dtype_size(t->dtype);
    for (int64_t k = 0; k < n; k++) {
        struct tensor one = {.dtype = t->dtype, .storage = t->storage, .offset = t->offset};
        for (int i = 0; i < t->shape.rank; i++) {
            bool tail = g->cut[i] && index[i] >= EDGE;
            one.offset += t->stride[i] * (tail ? index[i] + t->shape.dim[i] - 2 * EDGE : index[i]);
        }
        if (tensor_read(&one, data + (size_t)k * item, e)) return e->status;
        for (int i = t->shape.rank - 1; i >= 0 && ++index[i] == g->shape.dim[i]; i--) index[i] = 0;
    }
    return OK;
}

static void choose_edges(const struct tensor *t, struct page *g) {
    bool summary = tensor_size(t) > THRESHOLD;
    g->shape = t->shape;
    for (int i = 0; summary && i < t->shape.rank; i++) {
        g->cut[i] = t->shape.dim[i] > 2 * EDGE;
        if (g->cut[i]) g->shape.dim[i] = 2 * EDGE;
    }
}

/* A single number as NumPy 2.3 shows it: shortest digits, exponents below 1e-4 and from 1e16 (in float32 1e6) on. */
static void write_scalar(const struct page *g, struct buf *out) {
    char whole[WORD], fraction[WORD], digits[40];
    int exponent;
    double x = dtype_is_float(g->format.dtype) ? float_at(g->format.dtype, g->data) : 0;
    if (!dtype_is_float(g->format.dtype) || !isfinite(x)) {
        write_element(&(struct format){.dtype = g->format.dtype}, g->data, out);
        return;
    }
    int n = shortest(g->format.dtype, x, digits, &exponent);
    buf_puts(out, signbit(x) ? "-" : "");
    if (x != 0 && (fabs(x) < 1e-4 || fabs(x) >= (g->format.dtype == DT_FLOAT32 ? 1e6 : 1e16))) {
        buf_printf(out, "%c%s%se%c%02d", digits[0], n > 1 ? "." : "", digits + 1, exponent < 0 ? '-' : '+',
                   abs(exponent));
    } else if (n - 1 - exponent > PRECISION) {
        if (exponent < 0)
            buf_printf(out, "0.%.*s%s", -exponent - 1, "0000", digits);
        else
            buf_printf(out, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
    } else {
        positional(g->format.dtype, x, whole, fraction);
        buf_printf(out, "%s.%s", whole, *fraction ? fraction : "0");
    }
}

static void print_symbolic(const struct tensor *t, struct buf *out) {
    char text[512];
    buf_printf(out, "<KerasTensor shape=%s, dtype=%s>", shape_text(&t->shape, text, sizeof text), dtype_name(t->dtype));
}

enum status tensor_print(const struct tensor *t, struct buf *out, struct err *e) {
    struct page g = {.out = out};
    if (tensor_is_symbolic(t)) return print_symbolic(t, out), OK;
    if (tensor_size(t) == 0) return buf_puts(out, "[]"), OK;
    choose_edges(t, &g);
    int64_t n = shape_size(&g.shape);
    char *data = mem_alloc((size_t)n * dtype_size(t->dtype), e);
    if (!data || read_edges(t, &g, data, e)) {
        mem_free(data);
        return e->status;
    }
    g.data = data;
    g.format = fit_format(t->dtype, data, n);
    if (t->shape.rank == 0)
        write_scalar(&g, out);
    else
        write_axis(&g, 0, 0, 1, LINE);
    mem_free(data);
    return buf_status(out, e);
}
