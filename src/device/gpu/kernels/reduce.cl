/* Reductions: IN is read, ACC carries, OUT is written; NOTHING is the neutral element, BOTH(a, b) joins two, LAST(a) makes
 * the result. A group has `width` outputs side by side and 256 / width lanes for each, which meet in a fixed tree, so that
 * the same numbers give the same bits. Outputs with many elements are cut into chunks; the pass over them is a reduction
 * again. */

KERNEL(reduce)
(GLOBAL OUT *y, i64 y_at, const GLOBAL IN *x, i64 x_at, walk_1 kept, walk_1 reduced, i64 outputs, i64 length, i64 chunk,
 i64 width, i64 count) {
    LOCAL ACC part[THREADS];
    const int lanes = THREADS / (int)width, lane = THREAD / (int)width;
    const i64 blocks = (outputs + width - 1) / width, c = GROUP / blocks;
    const i64 o = GROUP % blocks * width + THREAD % (int)width;
    const i64 end = (c + 1) * chunk < length ? (c + 1) * chunk : length;
    ACC sum = NOTHING;
    if (o < outputs) {
        i64 row = x_at;
        WALK_ONE(kept, o, row)
        for (i64 r = c * chunk + lane; r < end; r += lanes) {
            i64 at = row;
            WALK_ONE(reduced, r, at)
            const ACC v = LOAD(x[at]);
            sum = BOTH(sum, v);
        }
    }
    part[THREAD] = sum;
    SYNC();
    for (int l = lanes / 2; l > 0; l /= 2) {
        if (lane < l) part[THREAD] = BOTH(part[THREAD], part[THREAD + l * (int)width]);
        SYNC();
    }
    if (lane == 0 && o < outputs) y[y_at + c * outputs + o] = LAST(part[THREAD]);
}
