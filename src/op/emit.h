/* Formulas: one function per op, so that gradients, layers, losses and optimizers read like their equations. Arguments
 * broadcast and must share a dtype; results are borrowed from the emitter; after an error every result is NULL (see
 * op.h). */
#ifndef OP_EMIT_H
#define OP_EMIT_H

#include "op/op.h"

typedef struct tensor *emit_t;

/* elementwise, one operand */
emit_t emit_neg(struct op_emitter *e, emit_t x);
emit_t emit_abs(struct op_emitter *e, emit_t x);
emit_t emit_sign(struct op_emitter *e, emit_t x);
emit_t emit_exp(struct op_emitter *e, emit_t x);
emit_t emit_expm1(struct op_emitter *e, emit_t x);
emit_t emit_log(struct op_emitter *e, emit_t x);
emit_t emit_log1p(struct op_emitter *e, emit_t x);
emit_t emit_log2(struct op_emitter *e, emit_t x);
emit_t emit_log10(struct op_emitter *e, emit_t x);
emit_t emit_sqrt(struct op_emitter *e, emit_t x);
emit_t emit_rsqrt(struct op_emitter *e, emit_t x);
emit_t emit_square(struct op_emitter *e, emit_t x);
emit_t emit_reciprocal(struct op_emitter *e, emit_t x);
emit_t emit_sin(struct op_emitter *e, emit_t x);
emit_t emit_cos(struct op_emitter *e, emit_t x);
emit_t emit_tan(struct op_emitter *e, emit_t x);
emit_t emit_arcsin(struct op_emitter *e, emit_t x);
emit_t emit_arccos(struct op_emitter *e, emit_t x);
emit_t emit_arctan(struct op_emitter *e, emit_t x);
emit_t emit_sinh(struct op_emitter *e, emit_t x);
emit_t emit_cosh(struct op_emitter *e, emit_t x);
emit_t emit_tanh(struct op_emitter *e, emit_t x);
emit_t emit_erf(struct op_emitter *e, emit_t x);
emit_t emit_floor(struct op_emitter *e, emit_t x);
emit_t emit_ceil(struct op_emitter *e, emit_t x);
emit_t emit_round(struct op_emitter *e, emit_t x);
emit_t emit_trunc(struct op_emitter *e, emit_t x);
emit_t emit_isnan(struct op_emitter *e, emit_t x);
emit_t emit_isinf(struct op_emitter *e, emit_t x);
emit_t emit_isfinite(struct op_emitter *e, emit_t x);
emit_t emit_logical_not(struct op_emitter *e, emit_t x);
emit_t emit_invert(struct op_emitter *e, emit_t x);
emit_t emit_sigmoid(struct op_emitter *e, emit_t x);
emit_t emit_softplus(struct op_emitter *e, emit_t x);
emit_t emit_relu(struct op_emitter *e, emit_t x);
emit_t emit_elu(struct op_emitter *e, emit_t x, double alpha);
emit_t emit_copy(struct op_emitter *e, emit_t x);
emit_t emit_stop_gradient(struct op_emitter *e, emit_t x);      /* a view: a constant to gradients */
emit_t emit_cast(struct op_emitter *e, emit_t x, enum dtype d); /* x itself where it has that dtype */

/* elementwise, two operands */
emit_t emit_add(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_sub(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_mul(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_div(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_floor_divide(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_mod(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_pow(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_maximum(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_minimum(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_arctan2(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_eq(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_ne(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_gt(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_ge(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_lt(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_le(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_logical_and(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_logical_or(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_logical_xor(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_bitwise_and(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_bitwise_or(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_bitwise_xor(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_where(struct op_emitter *e, emit_t condition, emit_t a, emit_t b);

/* constants, and arithmetic with one of x's dtype. Integers and bool take the value's whole part. */
emit_t emit_full(struct op_emitter *e, enum dtype d, const struct shape *shape, double value);
emit_t emit_scalar_like(struct op_emitter *e, emit_t x, double value);
emit_t emit_zeros_like(struct op_emitter *e, emit_t x);      /* x's shape */
emit_t emit_adds(struct op_emitter *e, emit_t x, double s);  /* x + s */
emit_t emit_muls(struct op_emitter *e, emit_t x, double s);  /* x * s */
emit_t emit_divs(struct op_emitter *e, emit_t x, double s);  /* x / s */
emit_t emit_rsubs(struct op_emitter *e, double s, emit_t x); /* s - x */
emit_t emit_rpows(struct op_emitter *e, double s, emit_t x); /* s to the power of x */
emit_t emit_maximums(struct op_emitter *e, emit_t x, double s);
emit_t emit_minimums(struct op_emitter *e, emit_t x, double s);
emit_t emit_gts(struct op_emitter *e, emit_t x, double s); /* x > s */
emit_t emit_eqs(struct op_emitter *e, emit_t x, double s); /* x == s */
/* count numbers start, start + step, ... */
emit_t emit_arange(struct op_emitter *e, enum dtype d, double start, double step, int64_t count);
/* float32 uniforms in [0, 1): the Philox stream of the seed pair `seed` (int64[2]), see base/rng.h */
emit_t emit_random_uniform(struct op_emitter *e, emit_t seed, const struct shape *shape);

/* movement */
emit_t emit_reshape(struct op_emitter *e, emit_t x, const struct shape *shape); /* x itself where it has that shape */
emit_t emit_transpose(struct op_emitter *e, emit_t x, const int *permutation);
emit_t emit_broadcast_to(struct op_emitter *e, emit_t x, const struct shape *shape); /* x itself likewise */
emit_t emit_slice(struct op_emitter *e, emit_t x, const struct op_slice *slice);
emit_t emit_pad(struct op_emitter *e, emit_t x, const struct op_slice *slice); /* x in zeros: slice's inverse */
emit_t emit_concatenate(struct op_emitter *e, const emit_t *x, int n, int axis);
emit_t emit_gather(struct op_emitter *e, emit_t x, emit_t indices); /* rows of axis 0; indices 0-based */
/* rows of updates added up into `rows` rows of zeros, at `indices` */
emit_t emit_scatter_add(struct op_emitter *e, emit_t indices, emit_t updates, int64_t rows);
emit_t emit_one_hot(struct op_emitter *e, emit_t indices, int64_t depth, enum dtype d);
/* the sum of x over the dimensions that broadcasting `shape` to x's shape repeated */
emit_t emit_unbroadcast(struct op_emitter *e, emit_t x, const struct shape *shape);

/* reductions; axes NULL: all, without keepdims */
emit_t emit_sum(struct op_emitter *e, emit_t x, const struct op_axes *axes);
emit_t emit_prod(struct op_emitter *e, emit_t x, const struct op_axes *axes);
emit_t emit_mean(struct op_emitter *e, emit_t x, const struct op_axes *axes);
emit_t emit_max(struct op_emitter *e, emit_t x, const struct op_axes *axes);
emit_t emit_min(struct op_emitter *e, emit_t x, const struct op_axes *axes);
emit_t emit_any(struct op_emitter *e, emit_t x, const struct op_axes *axes);
emit_t emit_all(struct op_emitter *e, emit_t x, const struct op_axes *axes);
/* int64, the first of equals; axis may be negative */
emit_t emit_argmax(struct op_emitter *e, emit_t x, int axis);
emit_t emit_argmin(struct op_emitter *e, emit_t x, int axis);

/* linear algebra and networks; a softmax's axis may be negative */
emit_t emit_matmul(struct op_emitter *e, emit_t a, emit_t b, bool transpose_a, bool transpose_b);
emit_t emit_conv2d(struct op_emitter *e, emit_t x, emit_t kernel, const struct op_window *w);
/* the gradient of conv2d for its input, w->input high and wide, and for its kernel of w->size */
emit_t emit_conv2d_grad_input(struct op_emitter *e, emit_t dy, emit_t kernel, const struct op_window *w);
emit_t emit_conv2d_grad_kernel(struct op_emitter *e, emit_t x, emit_t dy, const struct op_window *w);
emit_t emit_max_pool2d(struct op_emitter *e, emit_t x, const struct op_window *w);
emit_t emit_max_pool2d_place(struct op_emitter *e, emit_t x, const struct op_window *w); /* of max_pool2d_argmax */
/* w->input: height and width of what was pooled */
emit_t emit_max_unpool2d(struct op_emitter *e, emit_t place, emit_t dy, const struct op_window *w);
emit_t emit_softmax(struct op_emitter *e, emit_t x, int axis);
emit_t emit_log_softmax(struct op_emitter *e, emit_t x, int axis);
/* -log_softmax(logits)[label] along the last axis; labels are integers of logits' shape without it */
emit_t emit_sparse_softmax_crossentropy(struct op_emitter *e, emit_t logits, emit_t labels);
emit_t emit_sparse_softmax_crossentropy_grad(struct op_emitter *e, emit_t logits, emit_t labels, emit_t dy);

#endif
