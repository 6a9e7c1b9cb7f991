/* argmax and argmin: ABOVE(a, b) is a > b or a < b. The first of equals; NaN is beyond all. Groups as in reduce. */

/* Whether element b at j comes before a at i; a place below 0 is none. */
DEVFN int before(IN b, i64 j, IN a, i64 i) {
    if (j < 0 || i < 0) return i < 0 && j >= 0;
    if (b != b || a != a) return b != b && (a == a || j < i);
    return ABOVE(b, a) || (b == a && j < i);
}

KERNEL(extremum)
(GLOBAL i64 *y, i64 y_at, const GLOBAL IN *x, i64 x_at, walk_1 kept, i64 step, i64 outputs, i64 length, i64 width) {
    LOCAL IN best[THREADS];
    LOCAL i64 place[THREADS];
    const int lanes = THREADS / (int)width, lane = THREAD / (int)width;
    const i64 o = GROUP * width + THREAD % (int)width;
    IN value = 0;
    i64 at = -1;
    if (o < outputs) {
        i64 row = x_at;
        WALK_ONE(kept, o, row)
        for (i64 r = lane; r < length; r += lanes) {
            const IN v = x[row + r * step];
            if (before(v, r, value, at)) value = v, at = r;
        }
    }
    best[THREAD] = value;
    place[THREAD] = at;
    SYNC();
    for (int l = lanes / 2; l > 0; l /= 2) {
        const int other = THREAD + l * (int)width;
        if (lane < l && before(best[other], place[other], best[THREAD], place[THREAD])) {
            best[THREAD] = best[other];
            place[THREAD] = place[other];
        }
        SYNC();
    }
    if (lane == 0 && o < outputs) y[y_at + o] = place[THREAD];
}
