/* The three passes of conv2d as plain loops in double. */
#ifndef TESTS_SUPPORT_CONV_H
#define TESTS_SUPPORT_CONV_H

#include "op/op.h"

/* y, dx, dk are sums over the same products, so each reference adds into `out` (zeroed here): for each place of y and
 * each tap inside x, forward adds x * k, grad_input dy * k, grad_kernel x * dy. Shapes are those of x, k and y. */
enum conv_pass { CONV_FORWARD, CONV_GRAD_INPUT, CONV_GRAD_KERNEL };
void conv_reference(enum conv_pass pass, const struct shape *x, const struct shape *k, const struct shape *y,
                    const struct op_window *w, const double *a, const double *b, double *out);

#endif
