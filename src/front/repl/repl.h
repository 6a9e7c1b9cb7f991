/* What the files of the REPL share: the loop's state, and showing cells. */
#ifndef FRONT_REPL_REPL_H
#define FRONT_REPL_REPL_H

#include "cell/notebook.h"
#include "front/front.h"
#include "magic/magic.h"

struct repl {
    struct front_console console;   /* first */
    struct magic_notebook notebook; /* notebook.notebook is NULL without one */
    struct session *session;
    int interrupts; /* the self-pipe */
    int count;      /* inputs so far: the prompt's number */
    bool done;
    struct buf pending; /* lines of an input that is not complete */
};

/* Text to the console's output. */
void repl_print(struct repl *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Code cell n with the text cells above it, as it is before it runs. */
void repl_show_cell(struct repl *r, int n);
void repl_show_markdown(struct repl *r, const char *source);
/* The last line of a notebook's session: what comes next, or that it is the end. */
void repl_show_next(struct repl *r);

/* Runs source as a cell called name, with its status line. */
enum status repl_run(struct repl *r, const char *source, size_t n, const char *name);

/* History across runs: read at the start, each line appended as it comes. */
void repl_open_history(struct repl *r);
void repl_add_history(struct repl *r, const char *line);

/* Tab. */
void repl_open_completion(struct repl *r);

#endif
