/* The two-dimensional real DFT for one N = RADIX1 * RADIX2 * RADIX3, included once for each N: with N constant the loops
 * unroll into straight-line code. In-place decimation in frequency leaves frequency k at position PLACE(k). Rows are real:
 * two go through one complex transform and are separated by their symmetry. */
#define DFT_JOIN2(name, n) name##n
#define DFT_JOIN(name, n) DFT_JOIN2(name, n)
#define DFT_FN(name) DFT_JOIN(name, DFT_N)
#define HALF (DFT_N / 2)
#define M1 (DFT_N / RADIX1)
/* Position p = q1 * M1 + q2 * RADIX3 + q3 holds frequency q1 + RADIX1 * (q2 + RADIX2 * q3). */
#define PLACE(k) (((k) % RADIX1) * M1 + ((k) / RADIX1 % RADIX2) * RADIX3 + (k) / (RADIX1 * RADIX2))

/* In place; natural order in, PLACE order out. Exchanging re and im gives the inverse. */
INLINE void DFT_FN(complex)(vec *re, vec *im) {
#pragma GCC unroll 32
    for (int b = 0; b < M1; b++) dft_butterfly(RADIX1, re + b, im + b, M1, DFT_N, b);
#if RADIX2 > 1
#pragma GCC unroll 8
    for (int q = 0; q < RADIX1; q++)
#pragma GCC unroll 16
        for (int b = 0; b < RADIX3; b++) dft_butterfly(RADIX2, re + q * M1 + b, im + q * M1 + b, RADIX3, M1, b);
#endif
#if RADIX3 > 1
#pragma GCC unroll 16
    for (int q = 0; q < RADIX1 * RADIX2; q++) dft_butterfly(RADIX3, re + q * RADIX3, im + q * RADIX3, 1, RADIX3, 0);
#endif
}

/* Rows y and y+1 of the image at once: their half spectra to t[j][y], t[j][y+1]. */
STRAIGHT void DFT_FN(row_pair)(const struct cpu_conv_patch *g, int y, vec tr[][DFT_N], vec ti[][DFT_N]) {
    vec re[DFT_N], im[DFT_N];
    const float *first = g->x + y * g->row_stride;
    const float *second = y + 1 < g->bottom ? first + g->row_stride : NULL;
#pragma GCC unroll 32
    for (int i = 0; i < DFT_N; i++) {
        bool inside = i >= g->left && i < g->right;
        if (inside) __builtin_prefetch(first + i * g->column_stride + g->next, 0, 2);
        if (inside && second) __builtin_prefetch(second + i * g->column_stride + g->next, 0, 2);
        re[i] = inside ? vec_load(first + i * g->column_stride) : vec_zero();
        im[i] = inside && second ? vec_load(second + i * g->column_stride) : vec_zero();
    }
    DFT_FN(complex)(re, im);
    tr[0][y] = re[0], ti[0][y] = vec_zero();
    if (second) tr[0][y + 1] = im[0], ti[0][y + 1] = vec_zero();
#pragma GCC unroll 16
    for (int j = 1; j <= HALF; j++) {
        vec ar = re[PLACE(j)], ai = im[PLACE(j)], br = re[PLACE(DFT_N - j)], bi = im[PLACE(DFT_N - j)];
        tr[j][y] = (ar + br) * 0.5f, ti[j][y] = (ai - bi) * 0.5f;
        if (second) tr[j][y + 1] = (ai + bi) * 0.5f, ti[j][y + 1] = (br - ar) * 0.5f;
    }
}

/* Column j's spectrum, in natural order. */
STRAIGHT void DFT_FN(column)(const vec *tr, const vec *ti, const struct cpu_conv_patch *g, vec *re, vec *im) {
    vec r[DFT_N], i[DFT_N];
#pragma GCC unroll 32
    for (int y = 0; y < DFT_N; y++) {
        bool inside = y >= g->top && y < g->bottom;
        r[y] = inside ? tr[y] : vec_zero();
        i[y] = inside ? ti[y] : vec_zero();
    }
    DFT_FN(complex)(r, i);
#pragma GCC unroll 32
    for (int k = 0; k < DFT_N; k++) re[k] = r[PLACE(k)], im[k] = i[PLACE(k)];
}

/* `vectors` of them at once: 128 bytes at each place take the memory half the time of two times 64. */
static void DFT_FN(forward)(const struct cpu_conv_patch *g, int vectors, float *out, int64_t stride, int64_t plane) {
    vec tr[GROUP][HALF + 1][DFT_N], ti[GROUP][HALF + 1][DFT_N], re[GROUP][DFT_N], im[GROUP][DFT_N];
    struct cpu_conv_patch at = *g;
    for (int v = 0; v < vectors; v++, at.x += LANES)
        for (int y = g->top; y < g->bottom; y += 2) DFT_FN(row_pair)(&at, y, tr[v], ti[v]);
    for (int i = 0; i <= HALF; i++) {
        int kept = i == 0 || 2 * i == DFT_N ? HALF + 1 : DFT_N; /* of columns that are their own mirrors, a half */
        for (int v = 0; v < vectors; v++) DFT_FN(column)(tr[v][i], ti[v][i], g, re[v], im[v]);
        for (int k = 0; k < kept; k++, out += stride) {
            for (int v = 0; v < vectors; v++) vec_stream(out + v * LANES, re[v][k]);
            for (int v = 0; v < vectors; v++) vec_stream(out + plane + v * LANES, im[v][k]);
        }
    }
}

STRAIGHT const float *DFT_FN(uncolumn)(vec *tr, vec *ti, const struct cpu_conv_patch *g, bool self, const float *in,
                                       int64_t stride, int64_t plane) {
    vec re[DFT_N], im[DFT_N];
#pragma GCC unroll 32
    for (int k = 0; k < DFT_N; k++) {
        bool mirror = self && k > HALF;
        int from = mirror ? DFT_N - k : k;
        vec i = vec_load(in + from * stride + plane);
        re[k] = vec_load(in + from * stride), im[k] = mirror ? -i : i;
        if (mirror) continue;
        __builtin_prefetch(in + from * stride + LINE, 0, 3);
        __builtin_prefetch(in + from * stride + plane + LINE, 0, 3);
    }
    DFT_FN(complex)(im, re);
#pragma GCC unroll 32
    for (int y = 0; y < DFT_N; y++)
        if (y >= g->top && y < g->bottom) tr[y] = re[PLACE(y)], ti[y] = im[PLACE(y)];
    return in + (self ? HALF + 1 : DFT_N) * stride;
}

/* Two rows of the image from their half spectra: z = first + i * second. */
STRAIGHT void DFT_FN(unrow_pair)(const struct cpu_conv_patch *g, int y, vec tr[][DFT_N], vec ti[][DFT_N], float scale) {
    vec re[DFT_N], im[DFT_N];
    bool pair = y + 1 < g->bottom;
    int second = pair ? y + 1 : y;
#pragma GCC unroll 32
    for (int k = 0; k < DFT_N; k++) {
        int j = k <= HALF ? k : DFT_N - k;
        vec ar = tr[j][y], ai = ti[j][y], br = tr[j][second], bi = ti[j][second];
        if (j == 0 || 2 * j == DFT_N) ai = bi = vec_zero();
        re[k] = k <= HALF ? ar - bi : ar + bi;
        im[k] = k <= HALF ? ai + br : br - ai;
    }
    DFT_FN(complex)(im, re);
    float *first = g->x + y * g->row_stride;
#pragma GCC unroll 32
    for (int i = 0; i < DFT_N; i++) {
        if (i < g->left || i >= g->right) continue;
        put(g, first + i * g->column_stride, re[PLACE(i)] * scale);
        if (pair) put(g, first + g->row_stride + i * g->column_stride, im[PLACE(i)] * scale);
    }
}

static void DFT_FN(inverse)(const struct cpu_conv_patch *g, int vectors, const float *in, int64_t stride, int64_t plane,
                            float scale) {
    vec tr[HALF + 1][DFT_N], ti[HALF + 1][DFT_N];
    struct cpu_conv_patch at = *g;
    for (int v = 0; v < vectors; v++, at.x += LANES) {
        const float *from = in + v * LANES;
        for (int j = 0; j <= HALF; j++)
            from = DFT_FN(uncolumn)(tr[j], ti[j], g, j == 0 || 2 * j == DFT_N, from, stride, plane);
        for (int y = g->top; y < g->bottom; y += 2) DFT_FN(unrow_pair)(&at, y, tr, ti, scale);
    }
}

#undef DFT_JOIN2
#undef DFT_JOIN
#undef DFT_FN
#undef HALF
#undef M1
#undef PLACE
#undef DFT_N
#undef RADIX1
#undef RADIX2
#undef RADIX3
