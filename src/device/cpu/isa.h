/* Inner loops, compiled once for each instruction set from isa/ and chosen when the device opens. Each runs on one
 * thread over contiguous data; additions stand in a fixed order, so that all instruction sets compute the same bits
 * except where a comment says otherwise. */
#ifndef DEVICE_CPU_ISA_H
#define DEVICE_CPU_ISA_H

#include "base/rng.h"
#include "op/op.h"

/* out[i] = op(in[0][i], in[1][i], ...) for i < n; out overlaps no input. Inputs need no alignment. */
typedef void cpu_loop(int64_t n, void *out, const void *const *in, const union op_attrs *attrs);

enum { CPU_COMBINED = 3 /* steps that one loop takes, and operands, at most */ };

/* The loops of one elementwise op, by the dtype of its last input. */
struct cpu_loops {
    const char *op;
    cpu_loop *fn[DT_COUNT];
    /* Why these inputs cannot be used, or NULL. Mostly there is no such function. */
    const char *(*refuse)(int64_t n, const void *const *in, enum dtype d);
};

/* Steps that follow one another, each but the last read by the next ones of them alone, as one loop. An operand is named
 * 'a', 'b' or 'c', in the order the loop takes them, a step's result '0' or '1'. All are of the loop's dtype. */
struct cpu_combination {
    int nstep; /* 0: the end of a list */
    struct {
        const char *op, *in;
    } step[CPU_COMBINED];
    struct cpu_loops loops;
};

/* A reduction: partial results have the dtype acc[d] for inputs of dtype d. */
struct cpu_reduction {
    const char *op;
    enum dtype acc[DT_COUNT];
    /* *out = the reduction of n > 0 elements. */
    void (*row[DT_COUNT])(int64_t n, const void *in, void *out);
    /* out[j] = the reduction over i of in[i * stride + j], for i < r and j < k; r > 0, stride in elements. `more`: out holds
     * that of the rows before these; the bits are then those of one call over all of them. */
    void (*columns[DT_COUNT])(int64_t r, int64_t k, int64_t stride, const void *in, void *out, bool more);
    double empty; /* the value of no elements; NAN: there is none */
};

/* A pooling window inside an image of some channels. */
struct cpu_pool_window {
    int64_t rows, columns, channels;
    int64_t row_step;         /* elements from row to row */
    int64_t top, left, width; /* of the whole window: rows and columns that lie outside before these; its columns */
    bool overlap;             /* the gradient adds to what other windows left */
};

struct cpu_isa {
    const char *name;
    const struct cpu_loops *const *elementwise; /* families; each ends with op NULL, the list with NULL */
    const struct cpu_combination *combinations; /* ends with one of no steps */
    cpu_loop *const (*cast)[DT_COUNT];          /* [from][to] */
    const struct cpu_reduction *reductions;     /* ends with op NULL */
    /* One row of n > 0 logits; [0] float32, [1] float64. */
    void (*softmax[2])(int64_t n, const void *in, void *out);
    void (*log_softmax[2])(int64_t n, const void *in, void *out);
    void (*random_unit)(const struct rng_philox *p, uint64_t first, int64_t n, float *out); /* rng_unit */
    /* y[c] = the largest of the window, from x on; NaN wins. */
    void (*pool_max[2])(const struct cpu_pool_window *w, const void *x, void *y);
    /* The same, and where the first maximum lies (op/max_pool2d.c). */
    void (*pool_argmax[2][2])(const struct cpu_pool_window *w, const void *x, void *y, void *place);
    /* dx = dy (or += dy: see overlap) at its place, = 0 (or += 0) at the others. Both by float64, and uint8, int32 or
     * int64 of the places. */
    void (*unpool[2][3])(const struct cpu_pool_window *w, const void *place, const void *dy, void *dx);
};

#define CPU_DECLARE_ISA(name) extern const struct cpu_isa cpu_isa_##name;
CPU_DECLARE_ISA(portable)
CPU_DECLARE_ISA(avx2)
CPU_DECLARE_ISA(avx512)

/* Inside isa/: CPU_ISA names the instruction set a file is being compiled for. */
#ifdef CPU_ISA
#define CPU_JOIN_(a, b) cpu_##a##_##b
#define CPU_JOIN(a, b) CPU_JOIN_(a, b)
#define CPU_SYMBOL(name) CPU_JOIN(name, CPU_ISA)
extern const struct cpu_loops CPU_SYMBOL(arithmetic)[], CPU_SYMBOL(compare)[], CPU_SYMBOL(math)[], CPU_SYMBOL(casts)[];
extern const struct cpu_combination CPU_SYMBOL(combinations)[];
extern cpu_loop *const CPU_SYMBOL(cast)[DT_COUNT][DT_COUNT];
extern const struct cpu_reduction CPU_SYMBOL(reductions)[];
void CPU_SYMBOL(softmax_f32)(int64_t n, const void *in, void *out);
void CPU_SYMBOL(softmax_f64)(int64_t n, const void *in, void *out);
void CPU_SYMBOL(log_softmax_f32)(int64_t n, const void *in, void *out);
void CPU_SYMBOL(log_softmax_f64)(int64_t n, const void *in, void *out);
void CPU_SYMBOL(random_unit)(const struct rng_philox *p, uint64_t first, int64_t n, float *out);
void CPU_SYMBOL(pool_max_f32)(const struct cpu_pool_window *w, const void *x, void *y);
void CPU_SYMBOL(pool_max_f64)(const struct cpu_pool_window *w, const void *x, void *y);
#define CPU_DECLARE_POOL(type, index)                                                                                  \
    void CPU_SYMBOL(pool_argmax_##type##_##index)(const struct cpu_pool_window *w, const void *x, void *y,             \
                                                  void *place);                                                        \
    void CPU_SYMBOL(unpool_##type##_##index)(const struct cpu_pool_window *w, const void *place, const void *dy,       \
                                             void *dx);
CPU_DECLARE_POOL(f32, u8)
CPU_DECLARE_POOL(f32, i32)
CPU_DECLARE_POOL(f32, i64)
CPU_DECLARE_POOL(f64, u8)
CPU_DECLARE_POOL(f64, i32)
CPU_DECLARE_POOL(f64, i64)
#endif

#endif
