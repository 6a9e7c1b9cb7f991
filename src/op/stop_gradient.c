/* The same values, through which no gradient flows. */
#include "op/internal.h"

static bool same_view(const struct tensor *in, const union op_attrs *a, struct tensor *out) {
    (void)in, (void)a, (void)out;
    return true;
}

const struct op op_stop_gradient = {
    .name = "stop_gradient",
    .doc = "the input, as a constant to gradients",
    .nin = 1,
    .nout = 1,
    .flags = OP_VIEW,
    .dtypes = OP_ANY,
    .infer = infer_first,
    .view = same_view,
    SAMPLES({.nin = 1, .shape = {DIMS(3, 7, 5)}, .low = -3, .high = 3},
            {.nin = 1, .shape = {{0}}, .low = -3, .high = 3}, {.nin = 1, .shape = {DIMS(2, 0)}, .low = -3, .high = 3}),
};
