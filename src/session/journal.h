/* Every cell that runs is written down as it happens, so that a session that was killed can be gone on with: files in
 * $XDG_STATE_HOME/celda/journals, one a session, which resuming goes on with. CELDA_JOURNAL=off: none is written. */
#ifndef SESSION_JOURNAL_H
#define SESSION_JOURNAL_H

#include <limits.h>
#include <time.h>

#include "session/session.h"

struct journal;

struct journal_cell {
    char name[32]; /* "[7]", "in 3" */
    int number;    /* of the notebook's cell; 0: an input that was typed */
    int run;       /* of the session's runs, from 1; what a run runs in turn shares its number */
    double began;  /* seconds since 1970 */
    const char *source;
    size_t size;
};

/* ---- writing -------------------------------------------------------------------------------------------------------- */

/* A sink that writes down what passes on its way to `to`. `notebook` is an absolute path, "" for a session without one.
 * The file is made when the first cell begins. Where it cannot be written, one line on SINK_STATUS says so and the session
 * goes on. */
enum status journal_open(struct sink *to, const char *notebook, struct journal **out, struct err *e);
struct sink *journal_sink(struct journal *j);
/* The folder for the checkpoints of this session, which is not there yet; "" where no journal is written. It goes when the
 * session is closed cleanly, and with its journal. */
const char *journal_checkpoints(const struct journal *j);
/* Goes on in that file; before any cell runs. ERR_STATE: its session still runs. */
enum status journal_continue(struct journal *j, const char *path, struct err *e);
bool journal_is_of(const struct journal *j, const char *notebook);
/* The session goes on with another notebook: the journal is that one's from now on. The folder for the checkpoints has
 * another name then, and what is in it stays. */
enum status journal_set_notebook(struct journal *j, const char *notebook, struct err *e);
/* Around session_run; they may be nested. What the user is told of a cell's end comes after journal_end. */
void journal_begin(struct journal *j, const char *name, int number, const char *source, size_t n);
void journal_end(struct journal *j, const struct session_result *r);
/* `clean`: the user ended the session, so that there is nothing to resume. */
void journal_close(struct journal *j, bool clean);

/* ---- reading -------------------------------------------------------------------------------------------------------- */

/* Whoever wants to see a journal's cells again, in the order in which they ran. Any of these may be NULL. */
struct journal_player {
    struct sink *sink; /* texts and displays */
    void (*begin)(void *arg, const struct journal_cell *c);
    /* r is NULL where the journal ends within the cell. r->error is the player's. */
    void (*end)(void *arg, const struct journal_cell *c, const struct session_result *r);
    void *arg;
};

struct journal_info {
    char path[PATH_MAX], checkpoints[PATH_MAX], notebook[PATH_MAX];
    time_t last;          /* when it was written to last */
    int runs;             /* the last run's number */
    char interrupted[32]; /* the cell that ran when the session died; "" for none */
    int next;             /* the notebook's cell to go on with */
    bool clean;           /* the user ended the session */
    bool running;         /* its session still runs */
    size_t torn;          /* bytes at its end that are no whole record */
};

/* ERR_IO, ERR_VALUE: no journal. */
enum status journal_play(const char *path, const struct journal_player *p, struct err *e);
enum status journal_read_info(const char *path, struct journal_info *out, struct err *e);
/* The newest journal of a notebook (NULL: of any) that no running session writes. False: there is none. */
bool journal_find_last(const char *notebook, struct journal_info *out);
/* All, the newest first. */
enum status journal_each(void (*fn)(void *arg, const struct journal_info *i), void *arg, struct err *e);
/* Nobody is to be asked about this one again. */
enum status journal_give_up(const char *path, struct err *e);

#endif
