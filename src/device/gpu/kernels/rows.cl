/* Rows by integers of type INDEX_TYPE. T is the type that is added, or any of the element's size where it is only moved. */

/* One group: reports the first integer outside [0, bound). */
KERNEL(check)
(const GLOBAL INDEX_TYPE *x, i64 x_at, i64 n, i64 bound, GLOBAL fault *wrong, i64 wrong_at, i64 site) {
    LOCAL i64 least[THREADS];
    i64 found = n;
    for (i64 i = THREAD; i < n && found == n; i += THREADS)
        if (x[x_at + i] < 0 || x[x_at + i] >= bound) found = i;
    least[THREAD] = found;
    SYNC();
    for (int l = THREADS / 2; l > 0; l /= 2) {
        if (THREAD < l && least[THREAD + l] < least[THREAD]) least[THREAD] = least[THREAD + l];
        SYNC();
    }
    if (THREAD == 0 && least[0] < n && wrong->site == 0) {
        wrong->site = site;
        wrong->place = least[0];
        wrong->value = x[x_at + least[0]];
        wrong->bound = bound;
    }
}

KERNEL(gather)
(GLOBAL T *y, i64 y_at, const GLOBAL T *x, i64 x_at, const GLOBAL INDEX_TYPE *index, i64 index_at, i64 rows, i64 row,
 i64 n) {
    const i64 i = INDEX;
    if (i >= n) return;
    const i64 from = index[index_at + i / row];
    y[y_at + i] = from >= 0 && from < rows ? x[x_at + from * row + i % row] : (T)0;
}

/* A thread owns a column of every parts-th row: it alone writes there, in the order of the indices. */
KERNEL(scatter_add)
(GLOBAL T *y, i64 y_at, const GLOBAL INDEX_TYPE *index, i64 index_at, const GLOBAL T *x, i64 x_at, i64 rows, i64 row,
 i64 n, i64 parts) {
    const i64 i = INDEX, part = i / row, column = i % row;
    if (part >= parts) return;
    for (i64 r = part; r < rows; r += parts) y[y_at + r * row + column] = 0;
    for (i64 k = 0; k < n; k++) {
        const i64 to = index[index_at + k];
        if (to >= 0 && to < rows && to % parts == part) y[y_at + to * row + column] += x[x_at + k * row + column];
    }
}

KERNEL(one_hot)
(GLOBAL T *y, i64 y_at, const GLOBAL INDEX_TYPE *index, i64 index_at, i64 depth, i64 n) {
    const i64 i = INDEX;
    if (i < n) y[y_at + i] = (T)(index[index_at + i / depth] == i % depth);
}
