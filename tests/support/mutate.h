/* Texts damaged in ways that repeat: a part of a text in which pieces were put in, bytes taken out or changed. */
#ifndef SUPPORT_MUTATE_H
#define SUPPORT_MUTATE_H

#include <stddef.h>

#include "base/buf.h"

struct mutation {
    const char *text;
    size_t size;
    const char *const *pieces;
    size_t piece_count;
    unsigned seed; /* the same seed gives the same text */
};

/* The caller frees it. */
struct buf mutate(const struct mutation *m);

/* The next of a sequence of numbers below 2^24. */
unsigned mutate_random(unsigned *seed);

#endif
