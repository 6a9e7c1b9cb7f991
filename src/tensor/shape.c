/* Shapes and NumPy's broadcasting. Invariant: a valid shape's element count and byte size fit in 63 bits. */
#include <stdio.h>
#include <string.h>

#include "tensor/tensor.h"

struct shape shape_of(int rank, const int64_t *dims) {
    struct shape s = {.rank = rank};
    if (rank > 0) memcpy(s.dim, dims, (size_t)rank * sizeof *dims);
    return s;
}

int64_t shape_size(const struct shape *s) {
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) n *= s->dim[i];
    return n;
}

enum status shape_bytes(const struct shape *s, enum dtype d, size_t *out, struct err *e) {
    int64_t n = (int64_t)dtype_size(d);
    char text[256];
    bool empty = false, overflow = false;
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] < 0) return err_set(e, ERR_VALUE, "a dimension cannot be negative: %lld", (long long)s->dim[i]);
        empty |= s->dim[i] == 0;
        overflow |= __builtin_mul_overflow(n, s->dim[i], &n);
    }
    if (overflow && !empty)
        return err_set(e, ERR_VALUE, "shape %s is too large: its size overflows", shape_text(s, text, sizeof text));
    *out = empty ? 0 : (size_t)n;
    return OK;
}

bool shape_equal(const struct shape *a, const struct shape *b) {
    return a->rank == b->rank && (a->rank == 0 || memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0);
}

enum status shape_broadcast(const struct shape *a, const struct shape *b, struct shape *out, struct err *e) {
    struct shape r = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (int i = 1; i <= r.rank; i++) {
        int64_t x = i <= a->rank ? a->dim[a->rank - i] : 1, y = i <= b->rank ? b->dim[b->rank - i] : 1;
        if (x != y && x != 1 && y != 1) {
            char ta[256], tb[256];
            return err_set(e, ERR_VALUE, "operands could not be broadcast together with shapes %s %s",
                           shape_text(a, ta, sizeof ta), shape_text(b, tb, sizeof tb));
        }
        r.dim[r.rank - i] = x == 1 ? y : x;
    }
    *out = r;
    return OK;
}

const char *shape_text(const struct shape *s, char *text, size_t cap) {
    size_t n = (size_t)snprintf(text, cap, "(");
    for (int i = 0; i < s->rank && n < cap; i++) {
        const char *after = i + 1 < s->rank ? ", " : s->rank == 1 ? "," : "";
        bool known = s->dim[i] >= 0;
        n += (size_t)(known ? snprintf(text + n, cap - n, "%lld%s", (long long)s->dim[i], after)
                            : snprintf(text + n, cap - n, "None%s", after));
    }
    if (n < cap) snprintf(text + n, cap - n, ")");
    return text;
}

enum status shape_axis(const struct shape *s, int64_t axis, int *out, struct err *e) {
    if (axis < -s->rank || axis >= s->rank)
        return err_set(e, ERR_INDEX, "axis %lld is out of bounds for a tensor of rank %d (axes count from 0)",
                       (long long)axis, s->rank);
    *out = (int)(axis < 0 ? axis + s->rank : axis);
    return OK;
}
