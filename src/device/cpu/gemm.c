/* Matrix products: our own tiles (gemm_tiles.c), or OpenBLAS, single-threaded, as the kernel of tiles that our pool
 * works on. Invariant: the tile grid depends on the shapes alone, so one thread computes the same bits as many. */
#include <string.h>

#include "base/cancel.h"
#include "device/cpu/blas.h"
#include "device/cpu/cpu.h"
#include "device/cpu/gemm_panels.h"
#include "device/cpu/gemm_tiles.h"

enum {
    TILE = 512,    /* rows and columns of a tile at most */
    DEPTH = 512,   /* of k between two looks at the cancel flag: TILE^2 DEPTH takes a few ms */
    MIN_ROWS = 64, /* smaller tiles waste time on packing */
    MIN_COLUMNS = 128,
    MANY = 16,      /* tiles that are enough to keep all threads busy */
    SMALL = 1 << 22 /* multiplications for which one more tile costs more than it brings */
};

/* ---- one product on one thread ------------------------------------------------------------------------------------- */

/* Element (i, l) of op(a) is a[i * a_row + l * a_column]; likewise b. Sums wrap. */
#define INTEGER_PRODUCT(name, type, wide)                                                                              \
    static void name(const struct cpu_gemm *g, int64_t a_row, int64_t a_column, int64_t b_row, int64_t b_column) {     \
        const type *a = g->a, *b = g->b;                                                                               \
        for (int64_t i = 0; i < g->m; i++) {                                                                           \
            type *restrict c = (type *)g->c + i * g->ldc;                                                              \
            if (!g->accumulate) memset(c, 0, (size_t)g->n * sizeof *c);                                                \
            for (int64_t l = 0; l < g->k; l++) {                                                                       \
                const wide x = (wide)a[i * a_row + l * a_column];                                                      \
                const type *restrict y = b + l * b_row;                                                                \
                for (int64_t j = 0; j < g->n; j++) c[j] = (type)((wide)c[j] + x * (wide)y[j * b_column]);              \
            }                                                                                                          \
        }                                                                                                              \
    }
INTEGER_PRODUCT(product_u8, uint8_t, uint32_t)
INTEGER_PRODUCT(product_i32, int32_t, uint32_t)
INTEGER_PRODUCT(product_i64, int64_t, uint64_t)

static void integer_product(const struct cpu_gemm *g) {
    const int64_t a_row = g->transpose_a ? 1 : g->lda, a_column = g->transpose_a ? g->lda : 1;
    const int64_t b_row = g->transpose_b ? 1 : g->ldb, b_column = g->transpose_b ? g->ldb : 1;
    if (g->dtype == DT_UINT8)
        product_u8(g, a_row, a_column, b_row, b_column);
    else if (g->dtype == DT_INT32)
        product_i32(g, a_row, a_column, b_row, b_column);
    else
        product_i64(g, a_row, a_column, b_row, b_column);
}

/* c (m, 1) = op(a) b, or, with c (1, n), op(b)^T a^T: a product that reads its matrix once. */
static void vector_product(const struct cpu_gemm *g) {
    const bool column = g->n == 1;
    const void *matrix = column ? g->a : g->b, *vector = column ? g->b : g->a;
    const bool transposed = column ? g->transpose_a : !g->transpose_b;
    const int64_t ld = column ? g->lda : g->ldb, out = column ? g->m : g->n;
    const int64_t rows = transposed ? g->k : out, columns = transposed ? out : g->k;
    const int64_t step = column ? (g->transpose_b ? 1 : g->ldb) : (g->transpose_a ? g->lda : 1);
    const int64_t out_step = column ? g->ldc : 1;
    const CBLAS_TRANSPOSE t = transposed ? CblasTrans : CblasNoTrans;
    const double beta = g->accumulate;
    if (g->dtype == DT_FLOAT32)
        cpu_blas()->sgemv(CblasRowMajor, t, (blasint)rows, (blasint)columns, 1, matrix, (blasint)ld, vector,
                          (blasint)step, (float)beta, g->c, (blasint)out_step);
    else
        cpu_blas()->dgemv(CblasRowMajor, t, (blasint)rows, (blasint)columns, 1, matrix, (blasint)ld, vector,
                          (blasint)step, beta, g->c, (blasint)out_step);
}

static void matrix_product(const struct cpu_gemm *g) {
    const CBLAS_TRANSPOSE ta = g->transpose_a ? CblasTrans : CblasNoTrans;
    const CBLAS_TRANSPOSE tb = g->transpose_b ? CblasTrans : CblasNoTrans;
    const blasint m = (blasint)g->m, n = (blasint)g->n, k = (blasint)g->k;
    const blasint lda = (blasint)g->lda, ldb = (blasint)g->ldb, ldc = (blasint)g->ldc;
    const double beta = g->accumulate;
    if (g->dtype == DT_FLOAT32)
        cpu_blas()->sgemm(CblasRowMajor, ta, tb, m, n, k, 1, g->a, lda, g->b, ldb, (float)beta, g->c, ldc);
    else
        cpu_blas()->dgemm(CblasRowMajor, ta, tb, m, n, k, 1, g->a, lda, g->b, ldb, beta, g->c, ldc);
}

void cpu_gemm(const struct cpu_gemm *g) {
    if (g->m == 0 || g->n == 0) return;
    if (g->k == 0) {
        for (int64_t i = 0; i < g->m && !g->accumulate; i++)
            memset((char *)g->c + (size_t)(i * g->ldc) * dtype_size(g->dtype), 0, (size_t)g->n * dtype_size(g->dtype));
        return;
    }
    if (!dtype_is_float(g->dtype))
        integer_product(g);
    else if (g->m == 1 || g->n == 1)
        vector_product(g);
    else
        matrix_product(g);
}

/* ---- tiles over the pool -------------------------------------------------------------------------------------------- */

struct tiling {
    const struct cpu_gemm *g;
    const struct cpu_gemm_stack *stack;
    int64_t rows, columns;   /* of a tile */
    int64_t nrow, ncolumn;   /* tiles of one product */
    _Atomic(bool) cancelled; /* a tile was left unfinished */
};

void cpu_gemm_place(struct cpu_gemm *g, const struct cpu_gemm_stack *s, int64_t p) {
    const int64_t size = (int64_t)dtype_size(g->dtype);
    int64_t a = 0, b = 0, c = 0;
    for (int d = s->rank - 1; d >= 0; p /= s->dim[d--]) {
        const int64_t i = p % s->dim[d];
        a += i * s->a[d], b += i * s->b[d], c += i * s->c[d];
    }
    g->a = (const char *)g->a + a * size;
    g->b = (const char *)g->b + b * size;
    g->c = (char *)g->c + c * size;
}

/* Tile u, in slices of k between which it looks at the cancel flag. */
static void run_tile(struct tiling *t, int64_t u) {
    struct cpu_gemm g = *t->g;
    const int64_t size = (int64_t)dtype_size(g.dtype);
    if (t->stack) cpu_gemm_place(&g, t->stack, u / t->ncolumn / t->nrow);
    const int64_t i = u / t->ncolumn % t->nrow * t->rows, j = u % t->ncolumn * t->columns, k = g.k;
    g.m = g.m - i < t->rows ? g.m - i : t->rows;
    g.n = g.n - j < t->columns ? g.n - j : t->columns;
    g.a = (const char *)g.a + (g.transpose_a ? i : i * g.lda) * size;
    g.b = (const char *)g.b + (g.transpose_b ? j * g.ldb : j) * size;
    g.c = (char *)g.c + (i * g.ldc + j) * size;
    int64_t done = 0;
    do {
        g.k = k - done < DEPTH ? k - done : DEPTH;
        cpu_gemm(&g);
        done += g.k;
        g.a = (const char *)g.a + (g.transpose_a ? g.k * g.lda : g.k) * size;
        g.b = (const char *)g.b + (g.transpose_b ? g.k : g.k * g.ldb) * size;
        g.accumulate = true;
    } while (done < k && !cancel_requested());
    if (done < k) t->cancelled = true;
}

static void run_tiles(void *arg, int64_t begin, int64_t end, int worker) {
    (void)worker;
    for (int64_t u = begin; u < end; u++) run_tile(arg, u);
}

static void choose_tiles(struct tiling *t, int64_t count) {
    const struct cpu_gemm *g = t->g;
    t->rows = g->m < TILE ? g->m : TILE;
    t->columns = g->n < TILE ? g->n : TILE;
    for (;;) {
        t->nrow = cpu_ceil_div(g->m, t->rows);
        t->ncolumn = cpu_ceil_div(g->n, t->columns);
        const bool wide = t->columns >= 2 * MIN_COLUMNS, tall = t->rows >= 2 * MIN_ROWS;
        if (t->nrow * t->ncolumn * count >= MANY || t->rows * t->columns * g->k <= SMALL || !(wide || tall)) return;
        if (wide && (t->columns >= t->rows || !tall))
            t->columns = cpu_ceil_div(t->columns, 2);
        else
            t->rows = cpu_ceil_div(t->rows, 2);
    }
}

enum status cpu_gemm_parallel(struct cpu *c, const struct cpu_gemm *g, const struct cpu_gemm_stack *stack,
                              struct err *e) {
    int64_t count = 1;
    for (int d = 0; stack && d < stack->rank; d++) count *= stack->dim[d];
    if (g->m == 0 || g->n == 0 || count == 0) return OK;
    if (g->lda > INT32_MAX || g->ldb > INT32_MAX || g->ldc > INT32_MAX)
        return err_set(e, ERR_UNSUPPORTED, "matmul: a matrix has more than 2^31 - 1 columns");
    struct err none = {0}; /* no memory: strips need less */
    if (count == 1 && cpu_gemm_panels_suit(c, g) && cpu_shared_reserve(c, cpu_gemm_panels_bytes(g), &none) == OK)
        return cpu_gemm_panels(c, g, e);
    if (cpu_gemm_tiles_suit(c, g)) return cpu_gemm_tiles(c, g, stack, count, e);
    if (dtype_is_float(g->dtype) && cpu_blas_open(e) != OK) return e->status;
    struct tiling t = {.g = g, .stack = stack};
    choose_tiles(&t, count);
    const int64_t work = t.rows * t.columns * (g->k ? g->k : 1), grain = SMALL / work;
    enum status s = threads_for(c->threads, t.nrow * t.ncolumn * count, grain > 1 ? grain : 1, run_tiles, &t, e);
    if (s == OK && t.cancelled) return err_set(e, ERR_CANCELLED, "interrupted");
    return s;
}
