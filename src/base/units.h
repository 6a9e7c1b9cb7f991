/* Times and sizes as people read them. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include "base/buf.h"

/* "1.24 s", "12.0 ms", "2 min 3 s". */
void units_seconds(double seconds, struct buf *out);
/* "312 MB", "-1.5 kB": powers of 1000. */
void units_bytes(double bytes, struct buf *out);
/* "12 minutes ago" for a time of clock_date. */
void units_ago(double date, struct buf *out);
/* With its sign: "+312 MB". */
void units_change(double bytes, struct buf *out);

#endif
