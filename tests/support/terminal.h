/* celda on a pseudo-terminal, as a person has it. */
#ifndef SUPPORT_TERMINAL_H
#define SUPPORT_TERMINAL_H

#include <sys/types.h>

#include "base/buf.h"
#include "support/screen.h"

struct terminal {
    int fd;
    pid_t pid;
    struct buf seen;       /* since the last wait */
    struct screen *screen; /* gets all that is written; NULL: there is none */
};

/* Starts celda with these arguments (NULL: none) on a terminal of so many columns; skips the test where there is none. */
void terminal_start(struct terminal *t, int columns, const char *first, const char *second);
/* The same as a terminal of this kind, in colour or with NO_COLOR; 30 rows. */
void terminal_start_as(struct terminal *t, const char *term, bool colour, int columns, const char *first,
                       const char *second);
/* The window has so many columns now. */
void terminal_resize(struct terminal *t, int columns);
/* Reads until `text` was seen since the last wait; fails after ten seconds. */
void terminal_await(struct terminal *t, const char *text);
/* Reads until this row of the screen is `text`, for ten seconds at most. */
void terminal_await_row(struct terminal *t, int row, const char *text);
void terminal_type(struct terminal *t, const char *keys);
/* The same once the prompt is there: keys that come before can be lost, as the terminal is not in readline's hands then. */
void terminal_type_at(struct terminal *t, const char *prompt, const char *keys);
/* Waits for its end; the exit status, -1 after a signal. */
int terminal_finish(struct terminal *t);

#endif
