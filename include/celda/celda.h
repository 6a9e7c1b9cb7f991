/* libcelda: a celda session inside another program. One session is used by one thread at a time; sessions share nothing
 * but the interrupt. Link with libcelda.a and the libraries that `pkg-config --libs lua5.4 readline zlib openblas jansson`
 * names. */
#ifndef CELDA_CELDA_H
#define CELDA_CELDA_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A session: Lua state, tensors, devices. Owned by who opened it, until celda_close. */
struct celda;

enum celda_stream { CELDA_OUT, CELDA_ERR };

/* What cells print, as it comes. `bytes` are valid during the call alone and are not NUL-terminated. */
typedef void celda_output(void *arg, enum celda_stream stream, const char *bytes, size_t n);

/* NULL on failure, with the reason in `error` (NUL-terminated, cut to error_size; may be NULL). */
struct celda *celda_open(celda_output *output, void *arg, char *error, size_t error_size);
void celda_close(struct celda *c); /* NULL is fine */

/* Runs one cell of Lua: top-level locals stay for the next. `name` stands in tracebacks. 0, or -1 after an error. */
int celda_run(struct celda *c, const char *source, const char *name);
/* The last run's error with its traceback; "" after a success. Valid until the next call on this session. */
const char *celda_error(const struct celda *c);

/* Stops the cell that runs now, from any thread or signal handler; what it computed so far is kept. */
void celda_interrupt(void);

const char *celda_version(void); /* "0.1.0" */

#ifdef __cplusplus
}
#endif

#endif
