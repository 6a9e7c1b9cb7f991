/* The interrupt flag. Invariant: only the front clears it, before a cell runs. */
#include "base/cancel.h"

#include <stdatomic.h>

static atomic_bool flag;

void cancel_request(void) {
    atomic_store_explicit(&flag, true, memory_order_relaxed);
}

void cancel_clear(void) {
    atomic_store_explicit(&flag, false, memory_order_relaxed);
}

bool cancel_requested(void) {
    return atomic_load_explicit(&flag, memory_order_relaxed);
}

enum status cancel_check(struct err *e) {
    return cancel_requested() ? err_set(e, ERR_CANCELLED, "interrupted") : OK;
}
