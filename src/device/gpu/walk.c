/* Walks over strided operands, on the host: which dimensions there are to count. */
#include <string.h>

#include "device/gpu/gpu.h"

static int64_t broadcast_stride(const struct tensor *t, int rank, int d) {
    d -= rank - t->shape.rank;
    return d < 0 || t->shape.dim[d] == 1 ? 0 : t->stride[d];
}

/* Whether dimension `last` of the walk goes on evenly in one of `dim` elements with these strides. */
static bool continues(const struct gpu_walk *w, int last, int64_t dim, const int64_t *stride) {
    for (int k = 0; k < w->n; k++)
        if (w->stride[k][last] != stride[k] * dim) return false;
    return true;
}

void gpu_walk_of(struct gpu_walk *w, const struct shape *shape, const struct tensor *const *operand, int n) {
    int64_t stride[GPU_OPERANDS];
    w->n = n;
    w->rank = 0;
    for (int d = 0; d < shape->rank; d++) {
        if (shape->dim[d] == 1) continue;
        for (int k = 0; k < n; k++) stride[k] = broadcast_stride(operand[k], shape->rank, d);
        const bool joined = w->rank > 0 && continues(w, w->rank - 1, shape->dim[d], stride);
        const int at = joined ? w->rank - 1 : w->rank++;
        w->dim[at] = joined ? w->dim[at] * shape->dim[d] : shape->dim[d];
        for (int k = 0; k < n; k++) w->stride[k][at] = stride[k];
    }
    if (w->rank > 0) return;
    w->rank = 1;
    w->dim[0] = 1;
    for (int k = 0; k < n; k++) w->stride[k][0] = 0;
}

int64_t gpu_walk_size(const struct gpu_walk *w) {
    int64_t n = 1;
    for (int d = 0; d < w->rank; d++) n *= w->dim[d];
    return n;
}

size_t gpu_walk_pack(const struct gpu_walk *w, int first, struct gpu_walk_argument *out) {
    const int rank = w->rank - first;
    memset(out, 0, sizeof *out);
    out->number[0] = rank;
    for (int d = 0; d < rank; d++) {
        out->number[1 + d] = w->dim[first + d];
        for (int k = 0; k < w->n; k++) out->number[1 + GPU_WALK * (k + 1) + d] = w->stride[k][first + d];
    }
    return sizeof(int64_t) * (size_t)(1 + GPU_WALK * (w->n + 1));
}
