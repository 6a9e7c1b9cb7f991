/* The fronts main chooses from, and what those on a terminal share. A front faces the user: it owns the sink, the exit
 * status and the signals. */
#ifndef FRONT_FRONT_H
#define FRONT_FRONT_H

#include "session/session.h"

/* ---- fronts: each returns the process's exit status ---------------------------------------------------------------- */

/* The interactive REPL, on a notebook or (path NULL) without one. */
int front_repl(const char *path);
/* The same, and all cells of the notebook are run first. */
int front_repl_all(const char *path);
/* `celda --detach`: a session on the notebook without a terminal, which `session` runs in a process of its own. */
int front_detach(const char *path, int (*session)(const char *path));
/* Whether such a session runs on the notebook. */
bool front_runs_detached(const char *path);
/* `celda attach`: argv holds what follows the word attach. */
int front_attach(int argc, char **argv);
/* `celda resume`: likewise, of an old session. */
int front_resume(int argc, char **argv);
/* `celda run`: argv holds what follows the word run. */
int front_run(int argc, char **argv);
/* `celda -e CODE`, `celda FILE args...`, `celda -` (standard input). */
int front_code(const char *code);
int front_script(const char *path, int argc, char **argv);

/* ---- pictures on a terminal ----------------------------------------------------------------------------------------- */

/* UNKNOWN: not asked yet. */
enum front_graphics { FRONT_GRAPHICS_UNKNOWN, FRONT_GRAPHICS_NONE, FRONT_GRAPHICS_KITTY, FRONT_GRAPHICS_SIXEL };

/* Asks the terminal, for a second at most. Still UNKNOWN while keys wait to be read, which would be taken for the answer. */
enum front_graphics front_ask_graphics(void);
/* Appends a PNG in the terminal's protocol: KITTY (scaled to `columns` where it is wider) or SIXEL. */
enum status front_write_picture(enum front_graphics graphics, const struct sink_mime *png, int columns, struct buf *out,
                                struct err *e);

/* ---- the console: a sink on standard output and error -------------------------------------------------------------- */

struct front_console {
    struct sink sink; /* first */
    bool status;      /* show SINK_STATUS (on standard error) */
    bool progress_shown;
    bool in_line; /* the last text did not end its line */
    enum front_graphics graphics;
    bool broken; /* standard output is gone (EPIPE) */
};

/* Colour where standard output is a terminal and NO_COLOR is not set; the width follows the window. */
void front_console_open(struct front_console *c);
/* Reads the window's width again. */
void front_console_resize(struct front_console *c);

/* "[3]  1.24 s (cpu 2.41 s)  cpu  RAM 312 MB (peak 401 MB, +120 MB) of 23.5 GB  disk 80.1 GB free (-0.2 MB)",
 * shortened to fit `width` columns ("RAM 312/401+120 MB of 25 GB disk 80.1 GB-0.2 MB": now/peak and change), without a
 * line end. `name` is the cell's ("[3]"). */
void front_status_line(const struct session_result *r, const char *name, int width, struct buf *out);

/* Writes an error message to standard error: "celda: text". Returns 1, the exit status. */
int front_fail(const char *text);

#endif
