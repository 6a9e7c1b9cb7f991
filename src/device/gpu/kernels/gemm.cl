/* Products of matrices in tiles of 64 x 64, steps of 16 along the sum: matrices as they lie (MATMUL), and the three passes
 * of a convolution as products whose operands are read out of images (FORWARD, GRAD_INPUT, GRAD_KERNEL). A thread has 4 x 4
 * sums. Long sums may be cut into parts, which are written one after the other. */

enum { TILE = 64, DEPTH = 16, PITCH = TILE + 1 };

/* The convolution: x (batch, in, groups * cin), kernel (size, cin, groups * cout), y (batch, out, groups * cout). */
typedef struct {
    i32 in[2], out[2], size[2], stride[2], dilation[2], before[2], cin, cout, groups, unused;
} window;

/* m rows and n columns of the result, k terms of each sum; batches of products. For MATMUL elements of a and b step by
 * a_m, a_k, b_k, b_n, batches by a_batch, b_batch. */
typedef struct {
    i64 m, n, k, batch, a_m, a_k, b_k, b_n, a_batch, b_batch, part;
} product;

/* Where row m of A begins, and its element k; element (k, n) of B. */
#ifdef MATMUL
typedef struct {
    i64 at;
} row;
DEVFN row row_of(const product *p, const window *w, i64 batch, int m) {
    row r;
    r.at = batch * p->a_batch + m * p->a_m;
    return r;
}
DEVFN i64 a_place(const product *p, const window *w, i64 batch, row r, int k) {
    return r.at + k * p->a_k;
}
DEVFN i64 b_place(const product *p, const window *w, i64 batch, int k, int n) {
    return batch * p->b_batch + k * p->b_k + n * p->b_n;
}
DEVFN i64 c_place(const product *p, const window *w, i64 batch, int m, int n) {
    return (batch * p->m + m) * p->n + n;
}
#endif

#ifdef FORWARD /* rows are places of y, sums run over taps and input channels; a batch is a group */
typedef struct {
    i64 image;
    int h, w;
} row;
DEVFN row row_of(const product *p, const window *w, i64 g, int m) {
    row r;
    r.w = m % w->out[1] * w->stride[1] - w->before[1];
    r.h = m / w->out[1] % w->out[0] * w->stride[0] - w->before[0];
    r.image = (i64)(m / w->out[1] / w->out[0]) * w->in[0] * w->in[1];
    return r;
}
DEVFN i64 a_place(const product *p, const window *w, i64 g, row r, int k) {
    const int tap = k / w->cin, h = r.h + tap / w->size[1] * w->dilation[0];
    const int v = r.w + tap % w->size[1] * w->dilation[1];
    if (h < 0 || h >= w->in[0] || v < 0 || v >= w->in[1]) return -1;
    return ((r.image + (i64)h * w->in[1] + v) * w->groups + g) * w->cin + k % w->cin;
}
DEVFN i64 b_place(const product *p, const window *w, i64 g, int k, int n) {
    return ((i64)k * w->groups + g) * w->cout + n;
}
DEVFN i64 c_place(const product *p, const window *w, i64 g, int m, int n) {
    return ((i64)m * w->groups + g) * w->cout + n;
}
#endif

#ifdef GRAD_INPUT /* rows are places of x, sums run over taps and output channels: A is dy, B the kernel */
typedef struct {
    i64 image;
    int h, w;
} row;
DEVFN row row_of(const product *p, const window *w, i64 g, int m) {
    row r;
    r.w = m % w->in[1] + w->before[1];
    r.h = m / w->in[1] % w->in[0] + w->before[0];
    r.image = (i64)(m / w->in[1] / w->in[0]) * w->out[0] * w->out[1];
    return r;
}
DEVFN i64 a_place(const product *p, const window *w, i64 g, row r, int k) {
    const int tap = k / w->cout, sh = w->stride[0], sw = w->stride[1];
    const int h = r.h - tap / w->size[1] * w->dilation[0];
    const int v = r.w - tap % w->size[1] * w->dilation[1];
    if (h < 0 || h % sh || h / sh >= w->out[0] || v < 0 || v % sw || v / sw >= w->out[1]) return -1;
    return ((r.image + (i64)(h / sh) * w->out[1] + v / sw) * w->groups + g) * w->cout + k % w->cout;
}
DEVFN i64 b_place(const product *p, const window *w, i64 g, int k, int n) {
    return (((i64)(k / w->cout) * w->cin + n) * w->groups + g) * w->cout + k % w->cout;
}
DEVFN i64 c_place(const product *p, const window *w, i64 g, int m, int n) {
    return ((i64)m * w->groups + g) * w->cin + n;
}
#endif

#ifdef GRAD_KERNEL /* rows are taps and input channels, sums run over places of y: A is x, B is dy */
typedef struct {
    int channel, h, w;
} row;
DEVFN row row_of(const product *p, const window *w, i64 g, int m) {
    row r;
    const int tap = m / w->cin;
    r.channel = m % w->cin;
    r.h = tap / w->size[1] * w->dilation[0] - w->before[0];
    r.w = tap % w->size[1] * w->dilation[1] - w->before[1];
    return r;
}
DEVFN i64 a_place(const product *p, const window *w, i64 g, row r, int k) {
    const int line = k / w->out[1], h = r.h + line % w->out[0] * w->stride[0], v = r.w + k % w->out[1] * w->stride[1];
    if (h < 0 || h >= w->in[0] || v < 0 || v >= w->in[1]) return -1;
    return ((((i64)(line / w->out[0]) * w->in[0] + h) * w->in[1] + v) * w->groups + g) * w->cin + r.channel;
}
DEVFN i64 b_place(const product *p, const window *w, i64 g, int k, int n) {
    return ((i64)k * w->groups + g) * w->cout + n;
}
DEVFN i64 c_place(const product *p, const window *w, i64 g, int m, int n) {
    return ((i64)m * w->groups + g) * w->cout + n;
}
#endif

KERNEL(gemm)
(GLOBAL T *c, i64 c_at, const GLOBAL T *a, i64 a_at, const GLOBAL T *b, i64 b_at, product p, window w, i64 size) {
    LOCAL T as[DEPTH * PITCH];
    LOCAL T bs[DEPTH * PITCH];
    const i64 tiles_m = (p.m + TILE - 1) / TILE, tiles_n = (p.n + TILE - 1) / TILE;
    const i64 m0 = GROUP % tiles_m * TILE, n0 = GROUP / tiles_m % tiles_n * TILE;
    const i64 batch = GROUP / tiles_m / tiles_n % p.batch, part = GROUP / tiles_m / tiles_n / p.batch;
    const i64 begin = part * p.part, end = begin + p.part < p.k ? begin + p.part : p.k;
    const int tm = THREAD / 16 * 4, tn = THREAD % 16 * 4, ak = THREAD % DEPTH, am = THREAD / DEPTH;
    T sum[4][4];
    row rows[4];
    for (int i = 0; i < 4; i++) {
        rows[i] = row_of(&p, &w, batch, (int)(m0 + am + 16 * i));
        for (int j = 0; j < 4; j++) sum[i][j] = 0;
    }
    for (i64 k0 = begin; k0 < end; k0 += DEPTH) {
        for (int i = 0; i < 4; i++) {
            const int bn = THREAD % TILE, bk = THREAD / TILE + 4 * i;
            const int inside = m0 + am + 16 * i < p.m && k0 + ak < end;
            const i64 at = inside ? a_place(&p, &w, batch, rows[i], (int)(k0 + ak)) : -1;
            as[ak * PITCH + am + 16 * i] = at >= 0 ? a[a_at + at] : (T)0;
            bs[bk * PITCH + bn] =
                n0 + bn < p.n && k0 + bk < end ? b[b_at + b_place(&p, &w, batch, (int)(k0 + bk), (int)(n0 + bn))] : (T)0;
        }
        SYNC();
        for (int k = 0; k < DEPTH; k++)
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++)
                    sum[i][j] = MULTIPLY_ADD(as[k * PITCH + tm + i], bs[k * PITCH + tn + j], sum[i][j]);
        SYNC();
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            if (m0 + tm + i < p.m && n0 + tn + j < p.n)
                c[c_at + part * size + c_place(&p, &w, batch, (int)(m0 + tm + i), (int)(n0 + tn + j))] = sum[i][j];
}
