/* The interrupt flag: set by a signal handler or another thread, looked at by every loop longer than a few ms. */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include <stdbool.h>

#include "base/err.h"

void cancel_request(void); /* async-signal-safe */
void cancel_clear(void);
bool cancel_requested(void);

/* ERR_CANCELLED if the flag is set, else OK. */
enum status cancel_check(struct err *e);

#endif
