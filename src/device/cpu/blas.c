/* OpenBLAS by dlopen. Invariant: it computes on the thread that calls it; its own threads would fight with ours, and its bits
 * would depend on their number. */
#include "device/cpu/blas.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/dl.h"

static const char *const candidates[] = {"libopenblas.so.0", "libopenblas.so", "libopenblas.dylib", NULL};

static struct {
    pthread_once_t once;
    struct cpu_blas blas;
    struct err error; /* of opening it */
} shared = {.once = PTHREAD_ONCE_INIT};

/* With the variable that keeps it from starting threads, which programs that celda starts are not to see. */
static void *load_alone(const char *const *paths, struct buf *tried) {
    static const char name[] = "OPENBLAS_NUM_THREADS";
    const char *set = getenv(name);
    struct buf before = {0};
    if (set) buf_puts(&before, set);
    setenv(name, "1", 1);
    void *library = dl_open_any(paths, tried);
    if (set)
        setenv(name, buf_text(&before), 1);
    else
        unsetenv(name);
    buf_free(&before);
    return library;
}

enum status cpu_blas_load(const char *const *paths, struct cpu_blas *out, struct err *e) {
    struct buf tried = {0};
    void *library = load_alone(paths, &tried);
    const bool whole =
        library && dl_symbol(library, "cblas_sgemm", &out->sgemm) && dl_symbol(library, "cblas_dgemm", &out->dgemm) &&
        dl_symbol(library, "cblas_sgemv", &out->sgemv) && dl_symbol(library, "cblas_dgemv", &out->dgemv) &&
        dl_symbol(library, "openblas_set_num_threads", &out->set_num_threads) &&
        dl_symbol(library, "openblas_get_corename", &out->corename);
    if (whole)
        out->set_num_threads(1);
    else
        err_set(e, ERR_UNSUPPORTED, "%s (apt-get install libopenblas0); tried\n%s",
                library ? "what was found is not OpenBLAS" : "there is no OpenBLAS", buf_text(&tried));
    buf_free(&tried);
    return e->status;
}

static void open_shared(void) {
    cpu_blas_load(candidates, &shared.blas, &shared.error);
}

enum status cpu_blas_open(struct err *e) {
    pthread_once(&shared.once, open_shared);
    if (shared.error.status != OK) *e = shared.error;
    return e->status;
}

const struct cpu_blas *cpu_blas(void) {
    return &shared.blas;
}
