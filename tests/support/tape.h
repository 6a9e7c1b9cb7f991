/* Gradients in tests: what a tape recorded between begin and end. */
#ifndef TESTS_SUPPORT_TAPE_H
#define TESTS_SUPPORT_TAPE_H

#include "support/nn.h"

struct tape *test_tape_begin(struct tensor *const *watch, int n);
/* d sum(y * seed) / d source into gradient (references, NULL where nothing flows); seed NULL: ones. Frees the tape. */
void test_tape_end(struct tape *t, struct tensor *y, struct tensor *seed, struct tensor *const *source, int n,
                   struct tensor **gradient);

#endif
