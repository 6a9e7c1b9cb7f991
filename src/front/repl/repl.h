/* What the files of the REPL share: the loop's state, and showing cells. */
#ifndef FRONT_REPL_REPL_H
#define FRONT_REPL_REPL_H

#include "cell/notebook.h"
#include "front/front.h"
#include "magic/magic.h"
#include "session/journal.h"

struct repl {
    struct front_console console;   /* first */
    struct magic_notebook notebook; /* notebook.notebook is NULL without one */
    struct session *session;
    struct journal *journal;
    struct pace *pace; /* the session's sink, before the journal's */
    int interrupts;    /* the self-pipe */
    int count;         /* inputs so far: the prompt's number */
    uint32_t shown;    /* a hash of the notebook's next cell as it was shown last */
    bool done;
    bool terminal;      /* standard input is one, or was when the session began */
    bool lost;          /* it has gone away */
    struct buf pending; /* what runs next; without a screen, lines of an input that is not whole */
};

/* Text to the console's output. */
void repl_print(struct repl *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same of a notice, which is broken at spaces to fit the window. */
void repl_tell(struct repl *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Code cell n with the text cells above it, as it is before it runs. */
void repl_show_cell(struct repl *r, int n);
void repl_show_markdown(struct repl *r, const char *source);
/* The last line of a notebook's session: what comes next, or that it is the end. */
void repl_show_next(struct repl *r);

/* Whether that is what was shown last. */
bool repl_next_is_shown(const struct repl *r);

/* Takes over what another program wrote to the notebook's file. Returns whether the next cell is another one since it was
 * shown. */
bool repl_refresh(struct repl *r);
/* The journal goes with the session to the notebook that is open. */
void repl_follow_notebook(struct repl *r);
bool repl_is_unsaved(const struct repl *r);
/* Names the copy of changes that an earlier session could not save, if there is one. */
void repl_show_rescued(struct repl *r);
/* Asks where the notebook could not be saved. */
bool repl_may_leave(struct repl *r);
/* magic_notebook's `ask`. */
bool repl_ask(struct magic_notebook *nb, const char *question, char *answer, size_t size);

/* Runs a cell called name, with its status line. `number`: of the notebook's cell, 0 for what was typed. */
enum status repl_run(struct repl *r, const struct cell *c, const char *name, int number);
/* What the user is told when a cell has ended: its error, and what it cost. */
void repl_show_end(struct repl *r, const struct session_result *result, const char *name);

/* Opens the session on a notebook (NULL: none), going on with an old one's journal (NULL: with a new one), until the user
 * leaves. Returns the exit status. `run_all`: as if the first input were %run. */
int repl_main(const char *path, const struct journal_info *resumed, bool run_all);
/* Shows what the journal holds, and what it says of cells counts from now on. */
enum status repl_resume(struct repl *r, const struct journal_info *info, struct err *e);
/* Whether a session with the notebook runs detached and the user wants that one; without a terminal likewise. */
bool repl_wants_attach(const char *path);
/* Whether the notebook's last session was interrupted and the user wants to go on with it; without a terminal a line on
 * standard error says how. */
bool repl_wants_resume(const char *path, struct journal_info *info);

/* History across runs: read at the start, each cell appended as it comes. */
void repl_open_history(struct repl *r);
void repl_add_history(struct repl *r, const char *cell);
/* A readline command: to the cell before (-1) or after (1) the one that stands in the input, among those that begin with
 * what was typed. */
int repl_walk_history(int direction, int key);

/* Readline takes cells of many lines from now on, and draws them itself: for terminals that move their cursor. */
void repl_open_keys(struct repl *r);
/* As rl_getc, but of pasted text a CR LF is a CR. */
int repl_read_byte(FILE *in);
/* A session_bind_fn. */
enum status repl_bind(void *arg, const char *keys, const char *text, struct err *e);
void repl_open_screen(struct repl *r);
/* Whether it does. */
bool repl_has_screen(void);
/* The cursor goes behind the input, which is left as it stands: what is written next comes after it. */
void repl_leave_input(void);
/* The window has another size. */
void repl_resize_input(void);
/* Draws the input anew where the cursor is, at the beginning of a line. */
void repl_draw_input(void);
/* Clears the window but for the input. */
void repl_clear_window(void);

/* Tab. */
void repl_open_completion(struct repl *r);
/* A readline command: help on the name at the cursor, or on the function whose call it stands in. */
int repl_show_help(int count, int key);
/* Readline's hook: lists what fits below the input. */
void repl_show_matches(char **matches, int count, int longest);

#endif
