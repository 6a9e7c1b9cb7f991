/* OpenBLAS, opened when a product first needs it: linked, it and its threads took half of the 6.6 ms that celda took to start,
 * and then these, which nobody uses, looked for work for 0.1 s of every core. */
#ifndef CPU_BLAS_H
#define CPU_BLAS_H

#include <cblas.h>

#include "base/err.h"

struct cpu_blas {
    void (*sgemm)(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE ta, enum CBLAS_TRANSPOSE tb, blasint m, blasint n,
                  blasint k, float alpha, const float *a, blasint lda, const float *b, blasint ldb, float beta,
                  float *c, blasint ldc);
    void (*dgemm)(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE ta, enum CBLAS_TRANSPOSE tb, blasint m, blasint n,
                  blasint k, double alpha, const double *a, blasint lda, const double *b, blasint ldb, double beta,
                  double *c, blasint ldc);
    void (*sgemv)(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE t, blasint m, blasint n, float alpha, const float *a,
                  blasint lda, const float *x, blasint incx, float beta, float *y, blasint incy);
    void (*dgemv)(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE t, blasint m, blasint n, double alpha, const double *a,
                  blasint lda, const double *x, blasint incx, double beta, double *y, blasint incy);
    void (*set_num_threads)(int n);
    char *(*corename)(void);
};

/* Opens it, the first time; ERR_UNSUPPORTED where it is not there, now and later, with what was tried. What calls cpu_gemm
 * for floats has called this. */
enum status cpu_blas_open(struct err *e);
/* What was opened. */
const struct cpu_blas *cpu_blas(void);
/* The first of these libraries that loads (base/dl.h), on one thread: the caller's. */
enum status cpu_blas_load(const char *const *candidates, struct cpu_blas *out, struct err *e);

#endif
