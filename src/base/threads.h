/* One pool of worker threads sized to the cores this process may use (affinity and cgroup quota). What a loop
 * computes does not depend on who computes which chunk, so one thread computes the same bits as many. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct threads;

/* n = 0: as many as $CELDA_THREADS says, or as this process may use. Workers start at the first parallel
 * loop and sleep between loops. */
enum status threads_open(int n, struct threads **out, struct err *e);
void threads_close(struct threads *t);
int threads_count(const struct threads *t);

/* Cores this process may use now. */
int threads_available(void);

/* Works on [begin, end); `worker` is in [0, threads_count), for per-worker scratch. */
typedef void threads_fn(void *arg, int64_t begin, int64_t end, int worker);

/* Runs fn over [0, n) in chunks of `grain`; a chunk should take well under 5 ms. The calling thread works too. The
 * cancel flag is looked at before each chunk: ERR_CANCELLED leaves the rest undone. Not reentrant. */
enum status threads_for(struct threads *t, int64_t n, int64_t grain, threads_fn *fn, void *arg, struct err *e);

/* A grain for a loop whose results do not depend on it: some chunks a thread, between `least` and `most`. */
int64_t threads_grain(const struct threads *t, int64_t n, int64_t least, int64_t most);
/* threads_for with that grain, and less towards the end, a multiple of `least`, so that all end together. */
enum status threads_share(struct threads *t, int64_t n, int64_t least, int64_t most, threads_fn *fn, void *arg,
                          struct err *e);

/* Whether the loops from now on run to their end although a cancel is requested; at first they do not. */
void threads_finish_loops(struct threads *t, bool finish);

/* Whether the loops from now on flush subnormal numbers (base/subnormal.h) on all workers; at first they do not. */
void threads_flush_subnormals(struct threads *t, bool flush);

/* A thread beside the pool, for what waits. No signal is delivered to it: they are the main thread's. As pthread_create: 0
 * or an errno. */
int threads_start(pthread_t *out, void *(*fn)(void *arg), void *arg);

#endif
