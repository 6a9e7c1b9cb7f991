/* softmax, log_softmax and the cross-entropy of integer labels over rows of T, sums in ACC. Row i of (a, length, k) begins
 * at i / k * length * k + i % k and steps by k. Groups have `width` rows side by side, as in reduce. */

/* Joins what the lanes of each row have: the larger, or the sum. */
DEVFN ACC joined(LOCAL_ARG ACC *part, ACC mine, int width, int sum) {
    const int lanes = THREADS / width, lane = THREAD / width;
    part[THREAD] = mine;
    SYNC();
    for (int l = lanes / 2; l > 0; l /= 2) {
        if (lane < l) {
            const ACC a = part[THREAD], b = part[THREAD + l * width];
            part[THREAD] = sum ? a + b : a > b || a != a ? a : b;
        }
        SYNC();
    }
    const ACC all = part[THREAD % width];
    SYNC();
    return all;
}

/* A row's largest element and the sum of exp(x - largest), the same for all its lanes. */
#define STATISTICS                                                                                                     \
    LOCAL ACC part[THREADS];                                                                                           \
    const int lanes = THREADS / (int)width, lane = THREAD / (int)width;                                                \
    const i64 row = GROUP * width + THREAD % (int)width;                                                               \
    const int mine = row < rows;                                                                                       \
    const i64 first = row / k * length * k + row % k;                                                                  \
    ACC most = -INFINITY, total = 0;                                                                                   \
    if (mine)                                                                                                          \
        for (i64 j = lane; j < length; j += lanes) {                                                                   \
            const T v = x[x_at + first + j * k];                                                                       \
            most = v > most || v != v ? v : most;                                                                      \
        }                                                                                                              \
    most = joined(part, most, (int)width, 0);                                                                          \
    if (mine)                                                                                                          \
        for (i64 j = lane; j < length; j += lanes) total += exp((T)(x[x_at + first + j * k] - (T)most));               \
    total = joined(part, total, (int)width, 1);                                                                        \
    const T shift = (T)most;

KERNEL(softmax)
(GLOBAL T *y, i64 y_at, const GLOBAL T *x, i64 x_at, i64 rows, i64 length, i64 k, i64 width) {
    STATISTICS
    const T scale = (T)(1 / total);
    if (mine)
        for (i64 j = lane; j < length; j += lanes)
            y[y_at + first + j * k] = exp((T)(x[x_at + first + j * k] - shift)) * scale;
}

KERNEL(log_softmax)
(GLOBAL T *y, i64 y_at, const GLOBAL T *x, i64 x_at, i64 rows, i64 length, i64 k, i64 width) {
    STATISTICS
    const T log_sum = (T)log(total);
    if (mine)
        for (i64 j = lane; j < length; j += lanes)
            y[y_at + first + j * k] = (x[x_at + first + j * k] - shift) - log_sum;
}

/* A label that is no class was reported before: its row gives NaN. */
KERNEL(sparse_softmax_crossentropy)
(GLOBAL T *y, i64 y_at, const GLOBAL T *x, i64 x_at, const GLOBAL LABEL *labels, i64 labels_at, i64 rows, i64 length,
 i64 k, i64 width) {
    STATISTICS
    if (mine && lane == 0) {
        const i64 label = labels[labels_at + row];
        const int known = label >= 0 && label < length;
        y[y_at + row] = known ? -((x[x_at + first + label] - shift) - (T)log(total)) : (T)NAN;
    }
}

KERNEL(sparse_softmax_crossentropy_grad)
(GLOBAL T *y, i64 y_at, const GLOBAL T *x, i64 x_at, const GLOBAL LABEL *labels, i64 labels_at, const GLOBAL T *dy,
 i64 dy_at, i64 rows, i64 length, i64 k, i64 width) {
    STATISTICS
    const T scale = (T)(1 / total);
    if (mine)
        for (i64 j = lane; j < length; j += lanes) {
            const T p = exp((T)(x[x_at + first + j * k] - shift)) * scale;
            y[y_at + first + j * k] = (p - (T)(j == labels[labels_at + row])) * dy[dy_at + row];
        }
}
