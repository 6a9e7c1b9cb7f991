/* Walks over strided operands. Invariant: what is written depends on first and n alone, so any split of a tensor gives
 * the same elements. */
#include "device/cpu/walk.h"

#include <string.h>

/* Appends a dimension, or widens the last one where both are walked as one. */
static void add_dimension(struct cpu_walk *g, int64_t dim, int64_t stride) {
    if (dim == 1) return;
    const int last = g->rank - 1;
    if (g->rank > 0 && g->stride[last] == stride * dim) {
        g->dim[last] *= dim;
        g->stride[last] = stride;
        return;
    }
    g->dim[g->rank] = dim;
    g->stride[g->rank++] = stride;
}

void cpu_walk_prepare(struct cpu_walk *g, const struct tensor *t, const struct shape *shape) {
    *g = (struct cpu_walk){.size = dtype_size(t->dtype)};
    const int missing = shape->rank - t->shape.rank;
    for (int i = 0; i < shape->rank; i++) {
        const bool repeats = i < missing || t->shape.dim[i - missing] == 1;
        add_dimension(g, shape->dim[i], repeats ? 0 : t->stride[i - missing]);
    }
    if (g->rank == 0 || (g->rank == 1 && g->stride[0] == 1))
        g->contiguous = true;
    else if (g->rank == 1 && g->stride[0] == 0)
        g->period = 1;
    else if (g->rank == 2 && g->stride[0] == 0 && g->stride[1] == 1)
        g->period = g->dim[1];
}

/* The operand's first period, from element first % period on, doubled until n elements are there. */
static void read_period(const struct cpu_walk *g, const char *base, int64_t first, int64_t n, char *out) {
    const int64_t phase = first % g->period;
    int64_t done = g->period - phase < n ? g->period - phase : n;
    memcpy(out, base + phase * (int64_t)g->size, (size_t)done * g->size);
    const int64_t rest = phase < n - done ? phase : n - done;
    memcpy(out + done * (int64_t)g->size, base, (size_t)rest * g->size);
    for (done += rest; done < n;) {
        const int64_t more = done < n - done ? done : n - done;
        memcpy(out + done * (int64_t)g->size, out, (size_t)more * g->size);
        done += more;
    }
}

/* Copies `count` elements of that type, stepping by `from_step` and `to_step`. */
#define STEPPED_COPY(type)                                                                                             \
    for (int64_t i = 0; i < count; i++) ((type *)to)[i * to_step] = ((const type *)from)[i * from_step]

static void copy_run(const char *from, int64_t from_step, char *to, int64_t to_step, int64_t count, size_t size) {
    if (from_step == 1 && to_step == 1) {
        memcpy(to, from, (size_t)count * size);
    } else if (size == 4) {
        STEPPED_COPY(uint32_t);
    } else if (size == 8) {
        STEPPED_COPY(uint64_t);
    } else {
        STEPPED_COPY(uint8_t);
    }
}

/* Copies elements first .. first+n-1 between the operand and contiguous memory, run by run of the last dimension. */
static void walk_runs(const struct cpu_walk *g, char *base, int64_t first, int64_t n, char *contiguous, bool store) {
    const int64_t size = (int64_t)g->size;
    int64_t index[TENSOR_MAX_RANK], offset = 0;
    for (int d = g->rank - 1; d >= 0; first /= g->dim[d--]) {
        index[d] = first % g->dim[d];
        offset += index[d] * g->stride[d];
    }
    const int inner = g->rank - 1;
    const int64_t step = g->stride[inner];
    while (n > 0) {
        const int64_t left = g->dim[inner] - index[inner], run = left < n ? left : n;
        char *place = base + offset * size;
        if (store)
            copy_run(contiguous, 1, place, step, run, g->size);
        else
            copy_run(place, step, contiguous, 1, run, g->size);
        n -= run;
        contiguous += run * size;
        offset += run * step;
        index[inner] += run;
        for (int d = inner; d > 0 && index[d] == g->dim[d]; d--) {
            index[d] = 0;
            offset += g->stride[d - 1] - g->dim[d] * g->stride[d];
            index[d - 1]++;
        }
    }
}

void cpu_walk_read(const struct cpu_walk *g, const void *base, int64_t first, int64_t n, void *out) {
    if (g->contiguous)
        memcpy(out, (const char *)base + first * (int64_t)g->size, (size_t)n * g->size);
    else if (g->period)
        read_period(g, base, first, n, out);
    else
        walk_runs(g, (char *)(uintptr_t)base, first, n, out, false);
}

void cpu_walk_write(const struct cpu_walk *g, void *base, int64_t first, int64_t n, const void *in) {
    if (g->contiguous)
        memcpy((char *)base + first * (int64_t)g->size, in, (size_t)n * g->size);
    else
        walk_runs(g, base, first, n, (char *)(uintptr_t)in, true);
}
