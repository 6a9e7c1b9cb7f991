/* Products of matrices in tiles of TILE_M x TILE_N: matrices as they lie (MATMUL), and the three passes of a convolution as
 * products whose operands are read out of images (FORWARD, GRAD_INPUT, GRAD_KERNEL). Long sums may be cut into parts, which
 * are written one after the other.
 *
 * A tile's operands lie in local memory twice: while one pair is multiplied, the next is on its way through registers, so
 * that one SYNC a step is enough. A thread brings four elements of each operand a slice. How two tiles are multiplied, and
 * which sums a thread has, stands in two ways: in T's own arithmetic, and with TF32 by warps on tensor cores.
 *
 * Besides TILE_M and TILE_N there are defined: T and T4, the element and four of them; MULTIPLY_ADD; whether the four that a
 * thread brings follow each other along the sum (A_ALONG_K, B_ALONG_K), and whether they are one aligned load (A_VECTOR,
 * B_VECTOR); whether the result is written so (C_VECTOR); the strides, STRIDE_H and STRIDE_W, for GRAD_INPUT. */

/* A tile lies in local memory term by term, element x of term k at k PITCH + (x ^ SWIZZLE(k)). What a warp does at once
 * should meet none of the 32 banks twice. It writes four terms of 16 rows, then the next four: PITCH = 4 (mod 32) puts those
 * 16 banks further. For TF32 it reads four terms of 8 rows at once: that needs PITCH = 8, and the next four terms that are
 * written are moved by SWIZZLE instead. (Of 64 x 64 tiles, written as 8 rows of 16 terms, two meet.) Elements of 8 bytes are
 * not padded: they would need more than the 32 KB that every device has. */
enum {
    SLICE = 1024 / TILE_M,
#ifdef TF32
    DEPTH = 16,
    PAD = 8,
#else
    DEPTH = SLICE,
    PAD = sizeof(T) == 8 ? 0 : 4,
#endif
    SLICES = DEPTH / SLICE,
    PITCH_A = TILE_M + PAD,
    PITCH_B = TILE_N + PAD
};
#ifdef TF32
#define SWIZZLE(k) ((k) / 4 % 2 * (SLICE == 8 ? 16 : 8))
#define STORED(x) tf32(x)
#else
#define SWIZZLE(k) 0
#define STORED(x) (x)
#endif

/* The convolution: x (batch, in, groups * cin), kernel (size, cin, groups * cout), y (batch, out, groups * cout). `slice` is
 * SLICE in the digits of terms. */
typedef struct {
    i32 in[2], out[2], size[2], stride[2], dilation[2], before[2], cin, cout, groups, slice[3];
} window;

/* m rows and n columns of the result, k terms of each sum; batches of products, for convolutions groups. Elements step by
 * a_m, a_k and so on, where an operand is a matrix; along_k: those of MATMUL whose direction is not a constant. */
typedef struct {
    i64 m, n, k, batch, a_m, a_k, b_k, b_n, c_m, a_batch, b_batch, c_batch, part, a_along_k, b_along_k;
} product;

/* ---- what a thread brings ---- */

/* The first of the four, a row of A's tile or a column of B's and a term of the slice, and the steps to the next ones. */
typedef struct {
    int x, k, dx, dk;
} quad;

/* Those that are not one load lie so that neighbouring threads read neighbours. */
DEVFN quad quad_of(int along_k, int vector, int tile) {
    const int per_k = SLICE / 4, per_x = tile / 4;
    quad q;
    q.x = along_k ? THREAD / per_k : vector ? THREAD % per_x * 4 : THREAD % per_x;
    q.k = along_k ? THREAD % per_k * 4 : THREAD / per_x;
    q.dx = along_k ? 0 : vector ? 1 : per_x;
    q.dk = along_k;
    return q;
}

DEVFN void read_four(T *v, const GLOBAL T *from) {
    const T4 four = *(const GLOBAL T4 *)from;
    v[0] = four.x;
    v[1] = four.y;
    v[2] = four.z;
    v[3] = four.w;
}

/* An operand that lies as a matrix: the thread's next four. */
typedef struct {
    quad q;
    int x, left;         /* row or column; terms from the first of the four on, 0 beside the matrix */
    i64 at, step; /* where, and how far apart */
} matrix;

DEVFN matrix matrix_of(quad q, int x0, int size, int k0, int end, i64 at, i64 step_x, i64 step_k) {
    matrix m;
    m.q = q;
    m.x = x0 + q.x;
    m.left = m.x < size ? end - k0 - q.k : 0;
    m.at = at + m.x * step_x + (k0 + q.k) * step_k;
    m.step = q.dx * step_x + q.dk * step_k;
    return m;
}

/* Outside there are zeros. */
DEVFN void matrix_read(matrix *m, T *v, const GLOBAL T *from, int vector, int size, i64 step_k) {
    UNROLL for (int j = 0; j < 4; j++) v[j] = 0;
    if (vector) {
        if (m->left > 0) read_four(v, from + m->at);
    } else {
        UNROLL for (int j = 0; j < 4; j++)
            if (m->x + j * m->q.dx < size && j * m->q.dk < m->left) v[j] = from[m->at + j * m->step];
    }
    m->left -= SLICE;
    m->at += SLICE * step_k;
}

DEVFN void put(LOCAL_ARG T *tile, int pitch, quad q, int vector, const T *v) {
    if (vector && q.dk == 0) {
        T4 four;
        four.x = STORED(v[0]);
        four.y = STORED(v[1]);
        four.z = STORED(v[2]);
        four.w = STORED(v[3]);
        *(LOCAL_ARG T4 *)(tile + q.k * pitch + (q.x ^ SWIZZLE(q.k))) = four;
        return;
    }
    UNROLL for (int j = 0; j < 4; j++)
        tile[(q.k + j * q.dk) * pitch + ((q.x + j * q.dx) ^ SWIZZLE(q.k))] = STORED(v[j]);
}

/* ---- convolutions ---- */

#ifndef MATMUL
/* A term's number in digits, which advance without a division: channel, tap's column, tap's row; for GRAD_KERNEL a place's
 * column, its row, the image. */
typedef struct {
    int low, middle, high;
} digits;

#ifdef FORWARD
#define LOW w->cin
#define MIDDLE w->size[1]
#endif
#ifdef GRAD_INPUT
#define LOW w->cout
#define MIDDLE w->size[1]
#endif
#ifdef GRAD_KERNEL
#define LOW w->out[1]
#define MIDDLE w->out[0]
#endif

DEVFN digits digits_of(const window *w, int k) {
    digits d;
    d.low = k % LOW;
    d.middle = k / LOW % MIDDLE;
    d.high = k / LOW / MIDDLE;
    return d;
}

DEVFN digits digits_sum(const window *w, digits a, int low, int middle, int high) {
    a.low += low;
    a.middle += middle;
    a.high += high;
    if (a.low >= LOW) {
        a.low -= LOW;
        a.middle++;
    }
    if (a.middle >= MIDDLE) {
        a.middle -= MIDDLE;
        a.high++;
    }
    return a;
}

/* What a row of A has to itself: where it begins, and the place of its first tap, or of its tap for the first place. The
 * height of a row that is none is OUTSIDE: whatever is added to it or taken away, no image is there. */
#ifdef GRAD_KERNEL
enum { ROWS = A_VECTOR ? 1 : 4 };
typedef int row_start; /* a channel */
#else
enum { ROWS = 1 };
typedef i64 row_start;
#endif
typedef struct {
    row_start at;
    int h, w;
} row;
enum { OUTSIDE = -(1 << 30) };
#endif

#ifdef FORWARD /* rows are places of y, sums run over taps and input channels */
DEVFN row row_of(const window *w, i64 group, int m) {
    row r;
    r.w = m % w->out[1] * w->stride[1] - w->before[1];
    r.h = m / w->out[1] % w->out[0] * w->stride[0] - w->before[0];
    r.at = ((i64)(m / w->out[1] / w->out[0]) * w->in[0] * w->in[1] * w->groups + group) * w->cin;
    return r;
}
DEVFN i64 a_place(const window *w, row r, digits k) {
    const int h = r.h + k.high * w->dilation[0], v = r.w + k.middle * w->dilation[1];
    if ((u32)h >= (u32)w->in[0] || (u32)v >= (u32)w->in[1]) return -1;
    return r.at + (i64)(h * w->in[1] + v) * (w->groups * w->cin) + k.low;
}
#endif

#ifdef GRAD_INPUT /* rows are places of x, sums run over taps and output channels: A is dy, B the kernel */
DEVFN row row_of(const window *w, i64 group, int m) {
    row r;
    r.w = m % w->in[1] + w->before[1];
    r.h = m / w->in[1] % w->in[0] + w->before[0];
    r.at = ((i64)(m / w->in[1] / w->in[0]) * w->out[0] * w->out[1] * w->groups + group) * w->cout;
    return r;
}
DEVFN i64 a_place(const window *w, row r, digits k) {
    const int h = r.h - k.high * w->dilation[0], v = r.w - k.middle * w->dilation[1];
    if (h < 0 || v < 0 || h % STRIDE_H || v % STRIDE_W || h / STRIDE_H >= w->out[0] || v / STRIDE_W >= w->out[1]) return -1;
    return r.at + (i64)(h / STRIDE_H * w->out[1] + v / STRIDE_W) * (w->groups * w->cout) + k.low;
}
#endif

#ifdef GRAD_KERNEL /* rows are taps and input channels, sums run over places of y: A is x, B is dy */
DEVFN row row_of(const window *w, i64 group, int m) {
    row r;
    const int tap = m / w->cin;
    r.at = (int)group * w->cin + m % w->cin;
    r.h = tap / w->size[1] * w->dilation[0] - w->before[0];
    r.w = tap % w->size[1] * w->dilation[1] - w->before[1];
    return r;
}
DEVFN i64 a_place(const window *w, row r, digits k) {
    const int h = r.h + k.middle * w->stride[0], v = r.w + k.low * w->stride[1];
    if ((u32)h >= (u32)w->in[0] || (u32)v >= (u32)w->in[1]) return -1;
    return r.at + ((i64)k.high * w->in[0] * w->in[1] + h * w->in[1] + v) * (w->groups * w->cin);
}
#endif

#ifndef MATMUL
/* An operand that is read out of images: the thread's next four. */
typedef struct {
    quad q;
    int left; /* terms from the first of the four on */
    row rows[ROWS];
    digits term;
} images;

DEVFN images images_of(const window *w, quad q, int x0, int size, int k0, int end, i64 group) {
    images m;
    m.q = q;
    m.left = end - k0 - q.k;
    m.term = digits_of(w, k0 + q.k);
    UNROLL for (int j = 0; j < ROWS; j++) {
        m.rows[j] = row_of(w, group, x0 + q.x + j * q.dx);
        if (x0 + q.x + j * q.dx >= size) m.rows[j].h = OUTSIDE;
    }
    return m;
}

DEVFN void images_read(images *m, const window *w, T *v, const GLOBAL T *from) {
    digits term = m->term;
    UNROLL for (int j = 0; j < 4; j++) v[j] = 0;
    if (A_VECTOR) {
        const i64 at = m->left > 0 ? a_place(w, m->rows[0], term) : -1;
        if (at >= 0) read_four(v, from + at);
    } else {
        UNROLL for (int j = 0; j < 4; j++) {
            const i64 at = j * m->q.dk < m->left ? a_place(w, m->rows[j % ROWS], term) : -1;
            if (at >= 0) v[j] = from[at];
            if (A_ALONG_K) term = digits_sum(w, term, 1, 0, 0);
        }
    }
    m->left -= SLICE;
    m->term = digits_sum(w, m->term, w->slice[0], w->slice[1], w->slice[2]);
}
#endif

#ifdef GRAD_INPUT
/* The kernel, read as (taps, output channels) x input channels: the thread's next four, whose term is that of its A. */
typedef struct {
    int left; /* terms from the first of the four on, 0 beside the last input channel */
    i64 at;   /* of the first tap's */
} taps;

DEVFN taps taps_of(quad q, int x0, int size, int k0, int end, i64 at, i64 step_x) {
    taps m;
    m.left = x0 + q.x < size ? end - k0 - q.k : 0;
    m.at = at + (x0 + q.x) * step_x;
    return m;
}

DEVFN i64 tap_place(const window *w, digits k) {
    return (i64)(k.high * w->size[1] + k.middle) * w->cin * w->groups * w->cout + k.low;
}

DEVFN void taps_read(taps *m, const window *w, digits term, T *v, const GLOBAL T *from) {
    UNROLL for (int j = 0; j < 4; j++) v[j] = 0;
    if (B_VECTOR) {
        if (m->left > 0) read_four(v, from + m->at + tap_place(w, term));
    } else {
        UNROLL for (int j = 0; j < 4; j++) {
            if (j < m->left) v[j] = from[m->at + tap_place(w, term)];
            term = digits_sum(w, term, 1, 0, 0);
        }
    }
    m->left -= SLICE;
}
#endif

/* ---- the product of two tiles: T's own arithmetic ---- */

#ifndef TF32
/* 4 x 4 sums, or pieces of such 64 apart: of 128 x 128 a thread reads 64 bytes of local memory for 64 products. */
enum { PIECES_M = TILE_M / 64, PIECES_N = TILE_N / 64, SUMS = 4 * PIECES_M * PIECES_N };
typedef struct {
    T4 row[SUMS]; /* of a piece's row, those of all pieces beside each other */
} sums;

/* Where a thread's begin in the tile. Of eight neighbours, which read 16 bytes each at once, two read other rows and four
 * other columns: no bank twice (the order of maxas's SGEMM). */
DEVFN int row_in_tile(void) {
    return (WARP % 4 * 4 + LANE / 16 * 2 + LANE % 2) * 4;
}
DEVFN int column_in_tile(void) {
    return (WARP / 4 * 8 + LANE / 2 % 8) * 4;
}

DEVFN void clear(sums *s) {
    UNROLL for (int i = 0; i < SUMS; i++) s->row[i].x = s->row[i].y = s->row[i].z = s->row[i].w = 0;
}

DEVFN void add_products(T4 *sum, T a, T4 b) {
    sum->x = MULTIPLY_ADD(a, b.x, sum->x);
    sum->y = MULTIPLY_ADD(a, b.y, sum->y);
    sum->z = MULTIPLY_ADD(a, b.z, sum->z);
    sum->w = MULTIPLY_ADD(a, b.w, sum->w);
}

DEVFN void multiply(sums *s, const LOCAL_ARG T *a, const LOCAL_ARG T *b, int tm, int tn) {
    UNROLL for (int k = 0; k < DEPTH; k++) {
        T4 column[PIECES_M], line[PIECES_N];
        UNROLL for (int i = 0; i < PIECES_M; i++) column[i] = *(const LOCAL_ARG T4 *)(a + k * PITCH_A + 64 * i + tm);
        UNROLL for (int j = 0; j < PIECES_N; j++) line[j] = *(const LOCAL_ARG T4 *)(b + k * PITCH_B + 64 * j + tn);
        UNROLL for (int i = 0; i < PIECES_M; i++) UNROLL for (int j = 0; j < PIECES_N; j++) {
            add_products(&s->row[(4 * i + 0) * PIECES_N + j], column[i].x, line[j]);
            add_products(&s->row[(4 * i + 1) * PIECES_N + j], column[i].y, line[j]);
            add_products(&s->row[(4 * i + 2) * PIECES_N + j], column[i].z, line[j]);
            add_products(&s->row[(4 * i + 3) * PIECES_N + j], column[i].w, line[j]);
        }
    }
}

/* Columns n to n + 3 of a row of `size`. */
DEVFN void write_four(GLOBAL T *c, int n, int size, T4 sum) {
    if (C_VECTOR) {
        if (n < size) *(GLOBAL T4 *)(c + n) = sum;
        return;
    }
    if (n < size) c[n] = sum.x;
    if (n + 1 < size) c[n + 1] = sum.y;
    if (n + 2 < size) c[n + 2] = sum.z;
    if (n + 3 < size) c[n + 3] = sum.w;
}

/* To rows from m on and columns from n on of the result, whose rows are `step` apart. */
DEVFN void write(const sums *s, GLOBAL T *c, i64 at, i64 step, int m, int n, int m_end, int n_end) {
    UNROLL for (int i = 0; i < 4 * PIECES_M; i++) {
        const int row = m + i / 4 * 64 + i % 4;
        const i64 line = at + row * step;
        if (row < m_end)
            UNROLL for (int j = 0; j < PIECES_N; j++) write_four(c + line, n + 64 * j, n_end, s->row[i * PIECES_N + j]);
    }
}

#define MULTIPLY(s, a, b) multiply(s, a, b, tm, tn)
#endif

/* ---- the product of two tiles: tensor cores ---- */

#ifdef TF32
/* Eight warps share the tile, 32 columns each. Which rows of it a fragment's are is free to choose: a lane's two lie side by
 * side, and come in one load into registers that the instruction takes as they are. Operands come through registers and not by
 * asynchronous copies: so they are rounded once, on their way into local memory, and not by each warp that reads them. */
enum { WARPS_N = TILE_N / 32, ROWS_OF_WARP = TILE_M * WARPS_N / 8, FRAGMENTS_M = ROWS_OF_WARP / 16, FRAGMENTS_N = 4 };
typedef struct {
    f32 fragment[FRAGMENTS_M][FRAGMENTS_N][4];
} sums;

/* A lane's first row of the tile and of the result, and its first column of the result. */
DEVFN int row_in_tile(void) {
    return WARP / WARPS_N * ROWS_OF_WARP + LANE / 4 * 2;
}
DEVFN int column_in_tile(void) {
    return WARP % WARPS_N * 32 + LANE % 4 * 2;
}

DEVFN void clear(sums *s) {
    UNROLL for (int i = 0; i < FRAGMENTS_M; i++) UNROLL for (int j = 0; j < FRAGMENTS_N; j++)
        UNROLL for (int h = 0; h < 4; h++) s->fragment[i][j][h] = 0;
}

DEVFN void multiply(sums *s, const LOCAL_ARG T *a, const LOCAL_ARG T *b, LOCAL_ARG f32 *exchange) {
    a += LANE % 4 * PITCH_A;
    b += LANE % 4 * PITCH_B + WARP % WARPS_N * 32 + LANE / 4;
    UNROLL_MMA for (int k = 0; k < DEPTH; k += 8) {
        f32 fa[FRAGMENTS_M][4], fb[FRAGMENTS_N][2];
        UNROLL for (int h = 0; h < 2; h++) {
            const int term = k + 4 * h;
            const int first = row_in_tile() ^ (SWIZZLE(term) & 8);
            UNROLL for (int i = 0; i < FRAGMENTS_M; i++) {
                const int x = first + ((16 * i) ^ (SWIZZLE(term) & 16));
                const f32x2 two = *(const LOCAL_ARG f32x2 *)(a + term * PITCH_A + x);
                fa[i][2 * h] = two.x;
                fa[i][2 * h + 1] = two.y;
            }
            UNROLL for (int j = 0; j < FRAGMENTS_N; j++) fb[j][h] = b[term * PITCH_B + ((8 * j) ^ SWIZZLE(term))];
        }
        UNROLL_MMA for (int i = 0; i < FRAGMENTS_M; i++) UNROLL_MMA for (int j = 0; j < FRAGMENTS_N; j++)
            mma_tf32(s->fragment[i][j], fa[i], fb[j], exchange);
    }
}

/* Columns n and n + 1 of a row of `size`. */
DEVFN void write_two(GLOBAL f32 *c, int n, int size, f32 first, f32 second) {
    if (C_VECTOR) {
        f32x2 two;
        two.x = first;
        two.y = second;
        if (n < size) *(GLOBAL f32x2 *)(c + n) = two;
        return;
    }
    if (n < size) c[n] = first;
    if (n + 1 < size) c[n + 1] = second;
}

/* To rows from m on and columns from n on of the result, whose rows are `step` apart. */
DEVFN void write(const sums *s, GLOBAL T *c, i64 at, i64 step, int m, int n, int m_end, int n_end) {
    UNROLL for (int i = 0; i < FRAGMENTS_M; i++) UNROLL for (int h = 0; h < 2; h++) {
        const int row = m + 16 * i + h;
        const i64 line = at + row * step;
        if (row < m_end)
            UNROLL for (int j = 0; j < FRAGMENTS_N; j++)
                write_two(c + line, n + 8 * j, n_end, s->fragment[i][j][2 * h], s->fragment[i][j][2 * h + 1]);
    }
}

#define MULTIPLY(s, a, b) multiply(s, a, b, exchange)
#endif

/* ---- the kernel ---- */

#ifdef MATMUL
#define READ_A(v) matrix_read(&from_a, v, a, A_VECTOR, (int)p.m, p.a_k)
#else
#define READ_A(v) images_read(&from_a, &w, v, a + a_at)
#endif
#ifdef GRAD_INPUT
#define READ_B(v) taps_read(&from_b, &w, from_a.term, v, b)
#else
#define READ_B(v) matrix_read(&from_b, v, b, B_VECTOR, (int)p.n, p.b_k)
#endif

/* B first: it may need the place of A's term before that moves on. */
#define READ()                                                                                                         \
    UNROLL for (int s = 0; s < SLICES; s++) {                                                                          \
        if (brings_b) READ_B(vb[s]);                                                                                   \
        READ_A(va[s]);                                                                                                 \
    }
#define PUT(at)                                                                                                        \
    UNROLL for (int s = 0; s < SLICES; s++) {                                                                          \
        put(a_tile + ((at) * DEPTH + s * SLICE) * PITCH_A, PITCH_A, qa, A_VECTOR, va[s]);                              \
        if (brings_b) put(b_tile + ((at) * DEPTH + s * SLICE) * PITCH_B, PITCH_B, qb, B_VECTOR, vb[s]);                \
    }

KERNEL_IN_128_REGISTERS(gemm)
(GLOBAL T *c, i64 c_at, const GLOBAL T *a, i64 a_at, const GLOBAL T *b, i64 b_at, product p, window w, i64 size) {
    LOCAL T4 tiles_a[2 * DEPTH * PITCH_A / 4];
    LOCAL T4 tiles_b[2 * DEPTH * PITCH_B / 4];
#ifdef TF32
    MMA_EXCHANGE(exchange);
#endif
    LOCAL_ARG T *const a_tile = (LOCAL_ARG T *)tiles_a, *const b_tile = (LOCAL_ARG T *)tiles_b;
    const int tiles_m = (int)((p.m + TILE_M - 1) / TILE_M), tiles_n = (int)((p.n + TILE_N - 1) / TILE_N);
    const int m0 = (int)GROUP % tiles_m * TILE_M, n0 = (int)GROUP / tiles_m % tiles_n * TILE_N;
    const int batch = (int)GROUP / tiles_m / tiles_n % (int)p.batch, part = (int)GROUP / tiles_m / tiles_n / (int)p.batch;
    const int begin = (int)(part * p.part), end = (int)(begin + p.part < p.k ? begin + p.part : p.k);
    const quad qa = quad_of(A_ALONG_K, A_VECTOR, TILE_M), qb = quad_of(B_ALONG_K, B_VECTOR, TILE_N);
    const int brings_b = THREAD < TILE_N * SLICE / 4;
#ifdef MATMUL
    matrix from_a = matrix_of(qa, m0, (int)p.m, begin, end, a_at + batch * p.a_batch, p.a_m, p.a_k);
#else
    images from_a = images_of(&w, qa, m0, (int)p.m, begin, end, batch);
#endif
#ifdef GRAD_INPUT
    taps from_b = taps_of(qb, n0, (int)p.n, begin, end, b_at + batch * p.b_batch, p.b_n);
#else
    matrix from_b = matrix_of(qb, n0, (int)p.n, begin, end, b_at + batch * p.b_batch, p.b_n, p.b_k);
#endif
    const int tm = row_in_tile(), tn = column_in_tile();
    T va[SLICES][4], vb[SLICES][4];
    sums sum;
    clear(&sum);
    READ();
    PUT(0);
    SYNC();
    for (int k = begin, at = 0; k < end; k += DEPTH, at ^= 1) {
        const int more = k + DEPTH < end;
        if (more) READ();
        MULTIPLY(&sum, a_tile + at * DEPTH * PITCH_A, b_tile + at * DEPTH * PITCH_B);
        if (more) PUT(at ^ 1);
        SYNC();
    }
    write(&sum, c, c_at + part * size + batch * p.c_batch, p.c_m, m0 + tm, n0 + tn, (int)p.m, (int)p.n);
}
