/* The one table of tolerances: how far a result may lie from its reference, |got - want| <= absolute + relative |want|. */
#ifndef SUPPORT_TOLERANCE_H
#define SUPPORT_TOLERANCE_H

#include <stdbool.h>

#include "tensor/tensor.h"

struct tolerance {
    double relative, absolute;
};

/* A float32 kernel against the float64 kernel on the same numbers. */
struct tolerance tolerance_float32(const char *op);
/* An OpenCL kernel of that dtype against the cpu's float64 kernel: the language allows its functions some units more. */
struct tolerance tolerance_opencl(const char *op, enum dtype d);
/* A gradient in float64 against central differences with steps of TOLERANCE_STEP. */
struct tolerance tolerance_gradient(const char *op);
#define TOLERANCE_STEP 1e-5

/* What Keras computed, of 1 + the largest number: layers, losses, metrics; a step of an optimizer; the loss of a small
 * network while it is trained. */
#define TOLERANCE_KERAS 1e-5
#define TOLERANCE_KERAS_OPTIMIZER 2e-6
#define TOLERANCE_KERAS_TRAINING 3e-6

/* NaN agrees with NaN, an infinity with itself. */
bool tolerance_agree(struct tolerance t, double got, double want);

#endif
