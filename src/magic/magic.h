/* %commands. Each is one file that defines `const struct magic magic_NAME = {...}`; the table is generated from those
 * definitions, and %help, completion and errors read it. */
#ifndef MAGIC_MAGIC_H
#define MAGIC_MAGIC_H

#include <sys/types.h>

#include "session/session.h"

struct magic_notebook;

struct magic_call {
    struct session *session;
    struct magic_notebook *notebook; /* the one that is open, or NULL */
    struct magic_notebook *place;    /* where one can be opened, or NULL */
    const char *name;                /* the magic's */
    const char *args;                /* the rest of the line, trimmed */
    const char *body;                /* the rest of the cell, for %%name; "" for %name */
};

struct magic {
    const char *name;  /* "runtime" */
    const char *usage; /* "%runtime [NAME]"; one word alone: there are no arguments */
    const char *help;  /* the first line is the summary; each line is a paragraph, which is filled to the width */
    bool needs_notebook;
    bool takes_cell; /* may stand as %%name before a cell */
    enum status (*run)(const struct magic_call *c, struct err *e);
};

extern const struct magic *const magic_all[]; /* ends with NULL */
/* Calls fn for these and those that the session's Lua added (celda.magic), one of which may take another's place. */
void magic_each(struct session *s, void (*fn)(void *arg, const struct magic *m), void *arg);
/* Exact, or a unique beginning; else ERR_NOT_FOUND "no magic %runtmie; did you mean %runtime?". The strings are good until
 * Lua runs. */
enum status magic_find(struct session *s, const char *name, size_t n, struct magic *out, struct err *e);
/* The name that this was perhaps meant to be, as good as magic_find's; NULL: none is near. */
const char *magic_near(struct session *s, const char *word);
/* A session_magic_fn: runs "name args" with its cell body. `notebook` is a struct magic_notebook * or NULL. */
enum status magic_run_line(struct session *s, void *notebook, const char *line, const char *body, struct err *e);
enum magic_arguments { MAGIC_TAKES_LUA, MAGIC_TAKES_PATHS };
/* Passes the words that may stand as arguments of the magic to `add`, each with a note ("": none), and says what else may:
 * paths, or else names of Lua. Words that are no magic's name take names. */
enum magic_arguments magic_complete(struct session *s, const struct magic_notebook *nb, const char *name, size_t n,
                                    void (*add)(void *arg, const char *word, const char *note), void *arg);
/* The names of devices that %devices tells of; ends with NULL. */
extern const char *const magic_device_names[];
/* A path as a shell takes it: "~" and "~/x" stand for the home folder. */
enum status magic_put_path(const char *path, struct buf *out, struct err *e);
/* Text to the session's output, as printf. */
void magic_print(const struct magic_call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A text as Lua's string: "a\\"b". */
void magic_put_string(const char *text, size_t n, struct buf *out);
/* Seconds as IPython writes them: three significant digits of s, ms, us or ns; above a minute "1min 2s". */
void magic_put_span(double seconds, struct buf *out);
/* The same with a text of any length. */
void magic_print_text(const struct magic_call *c, const struct buf *text);

/* ---- the open notebook: code cells are numbered from 1 --------------------------------------------------------------- */

enum magic_progress { MAGIC_NOT_RUN, MAGIC_DONE, MAGIC_FAILED, MAGIC_SKIPPED };

/* What is known of a code cell; it follows the cell where that goes. */
struct magic_cell_state {
    enum magic_progress progress;
    bool breakpoint; /* a run of several cells stops before it */
    bool lost;       /* it ran in a session that was resumed, which could not restore what it made */
};

/* What magics ask of the front; the front fills in the functions. */
struct magic_notebook {
    struct notebook *notebook; /* cell/notebook.h; NULL: none is open. It is what its text says when that is read */
    int count;                 /* code cells */
    int next;                  /* the one that Enter runs; count + 1 at the end */
    struct magic_cell_state *state; /* of cell n at n - 1 */
    int running;                    /* cells of it that run now: meanwhile it cannot be changed */
    struct magic_changes *changes;  /* magic/change.h */
    /* Shows and runs cell n with its status line, as Enter does, and moves `next` behind it. */
    enum status (*run_cell)(struct magic_notebook *self, int n);
    /* The user's line in answer to a question, without its end. False: nobody answers. NULL: nobody can be asked. */
    bool (*ask)(struct magic_notebook *self, const char *question, char *answer, size_t size);
};

/* Starts `sh -c command` in a process group of its own with these as its standard files, and no signal blocked or ignored;
 * `foreground`: that of the terminal fd[0]. */
enum status magic_spawn(const char *command, const int fd[3], bool foreground, pid_t *pid, struct err *e);
/* How it ended, as waitpid says it, and as the shell counts it: its exit status, or 128 + the signal that ended it. */
int magic_shell_status(int ended);
/* "(exit status 3)", unless it is 0. */
void magic_say_status(const struct magic_call *c, int status);

/* Opens the file, none of whose cells has run. */
enum status magic_notebook_open(struct magic_notebook *nb, const char *path, struct err *e);
void magic_notebook_close(struct magic_notebook *nb);
/* While none is open: the inputs before the one that runs are written to the file as cells, and it is open from then on. */
enum status magic_notebook_open_inputs(struct session *s, struct magic_notebook *nb, const char *path, struct err *e);
/* Another text of the notebook takes the place of the one that is open, and is taken over: states, `next` and what the
 * session knows of runs follow the cells (notebook_match). `state`: of the new code cells, for those that the open text does
 * not have but had before; NULL: they have not run. After an error all is as it was, and new is freed. */
enum status magic_notebook_adopt(struct session *s, struct magic_notebook *nb, struct notebook *new,
                                 const struct magic_cell_state *state, struct err *e);

/* Code cell n as an index into notebook->cells; -1: there is none. */
int magic_cell_index(const struct magic_notebook *nb, int n);
/* Whether what a cell computed is out of date, by what cells read and wrote (session/trail.h). */
enum magic_staleness {
    MAGIC_FRESH,     /* or not run */
    MAGIC_EDITED,    /* its source is not what ran */
    MAGIC_CHANGED,   /* a cell above it, or the user at the prompt, wrote what it reads after it ran */
    MAGIC_INHERITED, /* it reads what a stale cell wrote */
    MAGIC_LOST,      /* what it made is gone, and it has not run since */
};
struct magic_stale {
    enum magic_staleness kind;
    const char *variable; /* MAGIC_CHANGED, MAGIC_INHERITED: which; the trail's, as `writer` */
    const char *writer;   /* the cell that wrote it */
};
/* For every code cell, n at n - 1; `out` has room for nb->count. All fresh where no trail is kept. */
enum status magic_find_stale(struct session *s, const struct magic_notebook *nb, struct magic_stale *out,
                             struct err *e);

/* One cell number in 1..count; ERR_VALUE names what was typed and the range. */
enum status magic_parse_cell(const struct magic_notebook *nb, const char *text, int *n, struct err *e);

#endif
