/* %commands. Each is one file that defines `const struct magic magic_NAME = {...}`; the table is generated from those
 * definitions, and %help, completion and errors read it. */
#ifndef MAGIC_MAGIC_H
#define MAGIC_MAGIC_H

#include "session/session.h"

struct magic_call {
    struct session *session;
    void *front; /* the notebook the front is on (struct magic_notebook), or NULL without one */
    const char *args; /* the rest of the line, trimmed */
    const char *body; /* the rest of the cell, for %%name; NULL for %name */
};

struct magic {
    const char *name;  /* "runtime" */
    const char *usage; /* "%runtime [NAME]" */
    const char *help;  /* the first line is the summary */
    bool needs_notebook;
    enum status (*run)(const struct magic_call *c, struct err *e);
    /* Candidates for the argument being typed; may be NULL. */
    void (*complete)(const struct magic_call *c, const char *word, void (*add)(void *arg, const char *w), void *arg);
};

extern const struct magic *const magic_all[]; /* ends with NULL */
/* Exact, or a unique prefix; else ERR_NOT_FOUND "no magic %runtmie; did you mean %runtime?". */
const struct magic *magic_find(const char *name, size_t n, struct err *e);

/* What magics may ask of the front about the open notebook. */
struct magic_notebook {
    struct notebook *notebook; /* cell/ */
    int next;                  /* the cell that Enter runs, from 1; count + 1 at the end */
    /* Runs cell n with its output and status line, as Enter does. */
    enum status (*run_cell)(struct magic_notebook *self, int n, struct err *e);
    char state[1]; /* one of MAGIC_CELL_* for each cell, as many as there are cells; see magic_notebook_new */
};

#endif
