/* Attributes compared and shown, by kind. Equality is by meaning: unused places of the arrays do not count. */
#include <string.h>

#include "base/buf.h"
#include "op/op.h"

static bool axes_equal(const struct op_axes *a, const struct op_axes *b) {
    return a->n == b->n && a->keepdims == b->keepdims && memcmp(a->axis, b->axis, (size_t)a->n * sizeof *a->axis) == 0;
}

static bool slice_equal(const struct op_slice *a, const struct op_slice *b) {
    size_t used = (size_t)a->shape.rank * sizeof *a->start;
    return shape_equal(&a->shape, &b->shape) && memcmp(a->start, b->start, used) == 0 &&
           memcmp(a->step, b->step, used) == 0;
}

/* Bits, so that -0.0 and 0.0 differ and NaN equals itself. */
static bool same_bits(double a, double b) {
    uint64_t x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x == y;
}

static bool full_equal(const struct op_full *a, const struct op_full *b) {
    return a->dtype == b->dtype && shape_equal(&a->shape, &b->shape) && same_bits(a->value, b->value) &&
           a->integer == b->integer;
}

static bool range_equal(const struct op_range *a, const struct op_range *b) {
    return a->dtype == b->dtype && a->count == b->count && same_bits(a->start, b->start) &&
           same_bits(a->step, b->step) && a->integer_start == b->integer_start && a->integer_step == b->integer_step;
}

bool op_attrs_equal(enum op_attrs_kind kind, const union op_attrs *a, const union op_attrs *b) {
    switch (kind) {
    case OP_NO_ATTRS: return true;
    case OP_AXES: return axes_equal(&a->axes, &b->axes);
    case OP_SLICE: return slice_equal(&a->slice, &b->slice);
    case OP_WINDOW: return memcmp(&a->window, &b->window, sizeof a->window) == 0; /* int64_t alone: no padding */
    case OP_FULL: return full_equal(&a->full, &b->full);
    case OP_RANGE: return range_equal(&a->range, &b->range);
    case OP_MATMUL:
        return a->matmul.transpose_a == b->matmul.transpose_a && a->matmul.transpose_b == b->matmul.transpose_b;
    case OP_SCALAR: return same_bits(a->scalar, b->scalar);
    case OP_INTEGER: return a->integer == b->integer;
    }
    return false;
}

/* " name=(1, 2)" */
static void print_numbers(const char *name, const int64_t *v, int n, struct buf *out) {
    buf_printf(out, " %s=(", name);
    for (int k = 0; k < n; k++) buf_printf(out, "%s%lld", k ? ", " : "", (long long)v[k]);
    buf_puts(out, n == 1 ? ",)" : ")");
}

static void print_axes(const struct op_axes *a, struct buf *out) {
    int64_t axis[TENSOR_MAX_RANK];
    for (int k = 0; k < a->n; k++) axis[k] = a->axis[k];
    print_numbers("axes", axis, a->n, out);
    if (a->keepdims) buf_puts(out, " keepdims");
}

static void print_slice(const struct op_slice *a, struct buf *out) {
    print_numbers("shape", a->shape.dim, a->shape.rank, out);
    print_numbers("start", a->start, a->shape.rank, out);
    print_numbers("step", a->step, a->shape.rank, out);
}

static void print_window(const struct op_window *w, struct buf *out) {
    if (w->size[0]) print_numbers("size", w->size, 2, out);
    print_numbers("stride", w->stride, 2, out);
    print_numbers("dilation", w->dilation, 2, out);
    print_numbers("before", w->before, 2, out);
    print_numbers("after", w->after, 2, out);
    buf_printf(out, " groups=%lld", (long long)w->groups);
    if (w->input[0]) print_numbers("input", w->input, 2, out);
}

static void print_full(const struct op_full *f, struct buf *out) {
    buf_printf(out, " %s", dtype_name(f->dtype));
    print_numbers("shape", f->shape.dim, f->shape.rank, out);
    if (dtype_is_float(f->dtype))
        buf_printf(out, " value=%.9g", f->value);
    else
        buf_printf(out, " value=%lld", (long long)f->integer);
}

static void print_range(const struct op_range *r, struct buf *out) {
    buf_printf(out, " %s count=%lld", dtype_name(r->dtype), (long long)r->count);
    if (dtype_is_float(r->dtype))
        buf_printf(out, " start=%.9g step=%.9g", r->start, r->step);
    else
        buf_printf(out, " start=%lld step=%lld", (long long)r->integer_start, (long long)r->integer_step);
}

void op_attrs_print(enum op_attrs_kind kind, const union op_attrs *a, struct buf *out) {
    switch (kind) {
    case OP_NO_ATTRS: break;
    case OP_AXES: print_axes(&a->axes, out); break;
    case OP_SLICE: print_slice(&a->slice, out); break;
    case OP_WINDOW: print_window(&a->window, out); break;
    case OP_FULL: print_full(&a->full, out); break;
    case OP_RANGE: print_range(&a->range, out); break;
    case OP_MATMUL:
        if (a->matmul.transpose_a) buf_puts(out, " transpose_a");
        if (a->matmul.transpose_b) buf_puts(out, " transpose_b");
        break;
    case OP_SCALAR: buf_printf(out, " %.9g", a->scalar); break;
    case OP_INTEGER: buf_printf(out, " %lld", (long long)a->integer); break;
    }
}
