/* Formulas: one function per op, so that gradients, layers, losses and optimizers read like their equations. Arguments
 * broadcast and must share a dtype; results are borrowed from the emitter; NULL in gives NULL out (see op.h). */
#ifndef OP_EMIT_H
#define OP_EMIT_H

#include "op/op.h"

typedef struct tensor *emit_t;

/* elementwise */
emit_t emit_neg(struct op_emitter *e, emit_t x);
emit_t emit_abs(struct op_emitter *e, emit_t x);
emit_t emit_sign(struct op_emitter *e, emit_t x);
emit_t emit_exp(struct op_emitter *e, emit_t x);
emit_t emit_log(struct op_emitter *e, emit_t x);
emit_t emit_log1p(struct op_emitter *e, emit_t x);
emit_t emit_expm1(struct op_emitter *e, emit_t x);
emit_t emit_sqrt(struct op_emitter *e, emit_t x);
emit_t emit_rsqrt(struct op_emitter *e, emit_t x);
emit_t emit_square(struct op_emitter *e, emit_t x);
emit_t emit_sin(struct op_emitter *e, emit_t x);
emit_t emit_cos(struct op_emitter *e, emit_t x);
emit_t emit_tanh(struct op_emitter *e, emit_t x);
emit_t emit_sigmoid(struct op_emitter *e, emit_t x);
emit_t emit_relu(struct op_emitter *e, emit_t x);
emit_t emit_elu(struct op_emitter *e, emit_t x, double alpha);
emit_t emit_add(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_sub(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_mul(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_div(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_pow(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_maximum(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_minimum(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_eq(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_gt(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_ge(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_lt(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_le(struct op_emitter *e, emit_t a, emit_t b);
emit_t emit_where(struct op_emitter *e, emit_t condition, emit_t a, emit_t b);
emit_t emit_cast(struct op_emitter *e, emit_t x, enum dtype d); /* x itself where it has that dtype */

/* a scalar of x's dtype, and arithmetic with one */
emit_t emit_full(struct op_emitter *e, enum dtype d, const struct shape *shape, double value);
emit_t emit_scalar_like(struct op_emitter *e, emit_t x, double value);
emit_t emit_adds(struct op_emitter *e, emit_t x, double s);
emit_t emit_muls(struct op_emitter *e, emit_t x, double s);

/* movement */
emit_t emit_reshape(struct op_emitter *e, emit_t x, const struct shape *shape);
emit_t emit_transpose(struct op_emitter *e, emit_t x, const int *permutation);
emit_t emit_broadcast_to(struct op_emitter *e, emit_t x, const struct shape *shape);
emit_t emit_slice(struct op_emitter *e, emit_t x, const struct op_slice *slice);
emit_t emit_gather(struct op_emitter *e, emit_t x, emit_t indices); /* rows of axis 0; indices 0-based */
/* the sum of x over the dimensions that broadcasting `shape` to x's shape repeated */
emit_t emit_unbroadcast(struct op_emitter *e, emit_t x, const struct shape *shape);

/* reductions; axes NULL: all */
emit_t emit_sum(struct op_emitter *e, emit_t x, const struct op_axes *axes);
emit_t emit_mean(struct op_emitter *e, emit_t x, const struct op_axes *axes);
emit_t emit_max(struct op_emitter *e, emit_t x, const struct op_axes *axes);
emit_t emit_argmax(struct op_emitter *e, emit_t x, int axis); /* int64 */

/* linear algebra and networks */
emit_t emit_matmul(struct op_emitter *e, emit_t a, emit_t b, bool transpose_a, bool transpose_b);
emit_t emit_conv2d(struct op_emitter *e, emit_t x, emit_t kernel, const struct op_window *w);
emit_t emit_max_pool2d(struct op_emitter *e, emit_t x, const struct op_window *w);
emit_t emit_softmax(struct op_emitter *e, emit_t x, int axis);
emit_t emit_log_softmax(struct op_emitter *e, emit_t x, int axis);
/* -log_softmax(logits)[label] along the last axis; labels are integers of logits' shape without it */
emit_t emit_sparse_softmax_crossentropy(struct op_emitter *e, emit_t logits, emit_t labels);
/* float32 uniforms in [0,1): the Philox stream of the seed pair `seed` (int64[2]), notes in base/philox.h */
emit_t emit_random_uniform(struct op_emitter *e, emit_t seed, const struct shape *shape);

#endif
