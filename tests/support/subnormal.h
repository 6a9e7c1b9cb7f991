/* Whether subnormal numbers can be flushed here: valgrind and some processors know no such thing. */
#ifndef SUPPORT_SUBNORMAL_H
#define SUPPORT_SUBNORMAL_H

#include <stdbool.h>

#include "base/subnormal.h"

static inline bool subnormal_can_flush(void) {
    volatile float small = 0x1p-126f;
    const uint64_t before = subnormal_flush();
    const bool can = small * 0.5f == 0;
    subnormal_restore(before);
    return can;
}

#endif
