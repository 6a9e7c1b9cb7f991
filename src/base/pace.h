/* A sink that passes bursts of text on in one piece: a loop that prints a line a microsecond costs one write every few
 * milliseconds, and a line that stands alone is passed on at once. */
#ifndef BASE_PACE_H
#define BASE_PACE_H

#include "base/err.h"
#include "base/sink.h"

struct pace;

/* Text comes to `to` at most 5 ms late, from a thread of the pace's own or from one of the caller's, one at a time; other
 * outputs come at once, after the text before them. `to` must outlive it. */
enum status pace_open(struct sink *to, struct pace **out, struct err *e);
/* What waits is passed on. */
void pace_close(struct pace *p);
struct sink *pace_sink(struct pace *p);

#endif
