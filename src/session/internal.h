/* What the files of session/ share. */
#ifndef SESSION_INTERNAL_H
#define SESSION_INTERNAL_H

#include "cell/lua.h"
#include "run/run.h"
#include "session/locals.h"
#include "session/session.h"

/* An error as the user reads it. */
struct session_report {
    enum status status;
    const char *name; /* "IndexError", "SyntaxError", "Error": static */
    struct buf text;  /* the message, and lines below it */
    size_t message;   /* bytes of the message */
};

struct trail;
struct undo;

struct session {
    lua_State *L;
    struct run *run;
    struct locals *locals;
    struct sink *sink;
    size_t spare; /* bytes of this process that nothing was held in when memory was last trimmed */
    char *folder;
    session_magic_fn *magic;
    void *magic_arg;
    session_bind_fn *bind; /* NULL: there are no keys */
    void *bind_arg;
    bool init; /* the user's init.lua is run */
    bool warnings_off, warning_goes_on;
    bool may_exit;                /* os.exit ends the process: scripts alone */
    struct session_report report; /* of the error that is on its way up */
    int runs;                     /* that ended */
    int depth;                    /* cells running: a magic may run another */
    const char *chunk;            /* of the cell that runs, and its result */
    struct session_result *result;
    int lines_above; /* in the running cell, of the magic that runs */
    bool undo_point; /* the state before the running cell is kept already */
    struct undo *undo;
    struct trail *trail;
    struct session_cost *ledger;
    int ledger_count, ledger_room;
    struct session_cost within; /* of the cells that the running one ran */
    char **inputs;              /* that were typed */
    size_t input_count;
    char **watch; /* expressions */
    size_t watch_count;
    bool debugging;                /* what is typed goes to the debugger */
    struct checkpoint *checkpoint; /* NULL: none is to be written */
    int lua_calls;                 /* cells' functions on the C stack: the state cannot be replaced under them */
};

/* Takes the name of a cell, and may change it. */
typedef void session_name_fn(void *arg, char name[32]);

/* A cell's run is over: its cost, without s->within, is kept. Goes back to `outer`, what was s->within when it began,
 * and the cell's. What there is no memory for is missing from the ledger. */
void session_ledger_add(struct session *s, const char *name, const struct session_result *r,
                        struct session_cost *outer);
void session_ledger_close(struct session *s);

void session_ledger_each_name(struct session *s, session_name_fn *fn, void *arg);

void session_forget_inputs(struct session *s);
/* After a cell has ended and its time was taken. */
void session_show_watches(struct session *s);

/* What a cell runs under. */
struct session_terms {
    const char *device; /* NULL: the runtime's */
    struct err refused; /* if set: it does not run, and this is its error */
};
void session_run_under(struct session *s, const char *source, size_t n, const char *name,
                       const struct session_terms *terms, struct session_result *out);

/* The session a Lua state belongs to. */
struct session *session_of(lua_State *L);

/* print, io.write, io.stdout, io.stderr and os.exit go through the sink. */
void session_open_output(lua_State *L);
void session_open_output_info(lua_State *L);     /* celda.output, celda.wrap, once bind has made celda */
bool session_is_output(lua_State *L, int index); /* io.stdout or io.stderr */
/* Embedded modules for require, and globals that load theirs when first used. */
void session_open_modules(lua_State *L);
/* Names for what a session has from the start: functions, tables and files of Lua's libraries and of the core. What is saved
 * says them instead of the value. Gives the values below the one on top, a module's, their names: "keras.layer:.extend". */
void session_open_names(lua_State *L);
void session_name_values(lua_State *L, const char *module);
/* celda.magic, celda.bind. */
void session_open_extend(lua_State *L);
/* Pushes the function of a magic that was added so; false and nil: there is none. */
bool session_push_magic(lua_State *L, const char *name);
/* Globals that there are now are the session's from the start. */
void session_hide_globals(struct session *s);
/* What lua/celda takes a session apart and puts it together with, as functions of celda.core. */
void session_open_parts(lua_State *L);
/* What session_call calls: function `name` of an embedded module with a path (NULL: nil) and a flag. */
struct session_call {
    const char *module, *name, *path;
    bool flag;
};
/* Calls it as a cell's code is called: Ctrl-C stops it. Leaves `results` values; after an error e says what a cell's error
 * would, and nothing is left. */
enum status session_call(struct session *s, const struct session_call *c, int results, struct err *e);
/* Notes a piece of a cell that was compiled: functions are made again from it. Never raises. */
void session_keep_source(lua_State *L, const char *chunk, const char *source, size_t n);
/* Appends a line of the text that was compiled last under that name ("=[3]", "@file.lua") and is not blank there, without
 * its indentation; nothing where there is none. May raise for lack of memory. */
void session_put_source_line(lua_State *L, const char *chunk, int number, struct buf *out);
/* pcall, xpcall, load and coroutines that an interrupt goes past. */
void session_open_catchers(lua_State *L);

/* ---- the trail: of the innermost cell that runs Lua; s->trail may be NULL --------------------------------------------- */

enum status trail_open(struct trail **out, struct err *e);
void trail_close(struct trail *t);
void trail_begin(struct trail *t);
void trail_add_source(struct trail *t, const char *source, size_t n);
void trail_end(struct session *s, const char *cell, const char *source, size_t n);

void trail_each_name(struct trail *t, session_name_fn *fn, void *arg);

/* The last run of that cell was taken back, or is there again. */
void trail_mark(struct trail *t, const char *cell, bool undone);

/* ---- saving --------------------------------------------------------------------------------------------------------- */

void session_forget_checkpoints(struct session *s); /* writes no more */
/* Appends a list of {what, why} at `index`, a line each, and before it `head`, if there is any. */
void session_report_list(lua_State *L, int index, const char *head, struct buf *report);
/* Room for the words that follow, taken before what cannot be taken back: then a report that is cut short, where a list is
 * long, is no error. */
enum status session_report_room(struct buf *report, struct err *e);
/* Words for the four values that celda.load's session gave, from `first` on, of what was loaded from `path`. */
void session_report_loaded(lua_State *L, int first, const char *path, struct buf *report);

/* ---- undo ----------------------------------------------------------------------------------------------------------- */

/* A cell is about to change things. */
void session_undo_point(struct session *s, const char *cell);
void session_drop_undo(struct session *s); /* all that is kept now, which makes room */
void session_forget_undo(struct session *s);
void session_undo_each_name(struct session *s, session_name_fn *fn, void *arg);
size_t session_undo_budget(const struct session *s); /* 0: it is off */

/* ---- interrupt ------------------------------------------------------------------------------------------------------ */

#define SESSION_INTERRUPTED "KeyboardInterrupt" /* the error value */

/* Forgets an interrupt that came before: the outermost cell begins or has ended. */
void session_interrupt_clear(void);
/* Between these two Lua code of a cell runs, and Ctrl-C stops it. */
void session_interrupt_begin(lua_State *L);
void session_interrupt_end(lua_State *L);
bool session_interrupt_running(void);         /* whether we are between them */
lua_State *session_interrupt_coroutine(void); /* that runs then; else NULL. Async-signal-safe. */
/* Whoever took a hook off L may have taken an interrupt's: it is armed again where one is on its way. */
void session_interrupt_check(lua_State *L);
/* Around a function on L that catches errors of coroutine `from` (L itself for pcall). */
lua_KContext session_catcher_enter(void);
void session_catcher_leave(lua_State *L, lua_State *from, lua_KContext number);
/* From now on coroutine `to` runs; returns the one before. */
lua_State *session_interrupt_switch(lua_State *to);

/* ---- errors and values ---------------------------------------------------------------------------------------------- */

/* The message handler of a cell's pcall: leaves the error value and writes the session's report. */
int session_on_error(lua_State *L);
/* Reports of errors that had no handler; the value is on the stack's top, and stays. `status` is lua_pcall's. */
void session_report_value(lua_State *L, int status, struct session_report *r);
/* The line of `text` with this number, from 1; empty where there is none. */
struct cell_span session_find_line(const char *text, size_t n, int number);
/* ... of source that was not compiled: the line is shown with a ^ below. */
void session_report_syntax(lua_State *L, const char *source, size_t n, struct session_report *r);
/* Calls fn for the user's frames, the `head` innermost and those of the `tail` outermost levels, innermost first; with
 * lua_getinfo's "Slnftu", so that the function lies on the stack's top. `skipped` levels were left out before it. Returns
 * how many it was called for. `tail` 0 is quick even where a recursion ran away: its end need not be found. */
typedef void session_frame_fn(void *arg, lua_State *L, lua_Debug *ar, int skipped);
int session_each_frame(lua_State *L, int head, int tail, session_frame_fn *fn, void *arg);
bool session_is_users(const lua_Debug *ar); /* lua_getinfo's "Sl": neither celda's own Lua nor C */
/* "[3]:2: in function 'f'", of a frame that session_each_frame gives. */
void session_describe_frame(lua_State *L, const lua_Debug *ar, struct buf *out);
/* The user's frames, a line each; returns how many. */
int session_traceback(lua_State *L, struct buf *out);

/* ---- completion ------------------------------------------------------------------------------------------------------ */

struct completion {
    void (*add)(void *arg, const struct session_candidate *c);
    void *arg;
    size_t start;     /* of the word in the line */
    const char *word; /* n bytes of it stand there */
    size_t n;
    bool calls;  /* behind a colon: functions alone */
    bool public; /* no names that begin with an underscore: they are their owner's affair */
};

/* Pushes what "a.b:c" stands for, nil where it is nothing; nothing of the user's runs. */
void session_push_path(lua_State *L, const char *path, size_t n);
/* Session variables and globals; keys of the value on the top, which is popped, and of the tables behind it. */
void session_offer_names(lua_State *L, struct completion *c);
void session_offer_members(lua_State *L, const struct completion *c);
/* Offers the arguments of the call that the word stands in; true: the word can be nothing else. */
bool session_offer_arguments(lua_State *L, const char *line, const struct completion *c);
/* Likewise the strings that the argument may be whose value begins at c->start. */
void session_offer_values(lua_State *L, const char *line, const struct completion *c);

/* ---- what an error is about ------------------------------------------------------------------------------------------ */

/* In a message handler: adds to the message the name that was meant, where one is nil, and to `mark` the line with the
 * expression marked, where it can be told. */
void session_explain(lua_State *L, struct buf *message, struct buf *mark);
/* meant(path): the dotted name that was perhaps meant where nothing has this one, or nil. It runs no code of users. */
int session_meant(lua_State *L);
/* What Lua writes instead where the syntax error that `lua` has of this source comes from Python's habits, or NULL. */
const char *session_habit(const char *source, size_t n, const struct cell_lua *lua);
/* A line of a text, and below it ^ under `length` bytes from `column` on, which counts from 1. */
void session_put_mark(const char *source, size_t n, int number, int column, size_t length, struct buf *out);
/* Pushes the newest text that was compiled under this chunk and has something on that line; false: there is none, nothing
 * is pushed. */
bool session_push_source(lua_State *L, const char *chunk, int number);

/* ---- what an error leaves for the debugger -------------------------------------------------------------------------- */

/* In a message handler, after session_on_error: the user's frames take the place of those of the error before. Never
 * raises; where there is no memory for them, there are none. */
void session_keep_frames(lua_State *L);
void session_forget_frames(lua_State *L);
/* An error leaves coroutine `co`, which is dead by it, for L: its frames stand before L's in what becomes of the error, until
 * somebody catches it or the next call begins. */
void session_keep_coroutine(lua_State *L, lua_State *co);
void session_forget_coroutines(lua_State *L);
/* Such frames as a traceback has them; returns how many there are. */
int session_put_coroutines(lua_State *L, int most, struct buf *out);
/* For completion, while what is typed goes to the debugger: the names of the current frame, and the value of one of them,
 * pushed if there is such a name. May raise for lack of memory. */
void session_each_frame_name(lua_State *L, void (*fn)(void *arg, const char *name), void *arg);
bool session_push_frame_value(lua_State *L, const char *name);
/* What lua/celda/debugger.lua asks, as functions of celda.core. */
void session_open_frames(lua_State *L);

/* A Lua function: shows all values, and keeps the first as `_`. A __tostring may raise. Before the values stands a light
 * userdata, a struct buf for text: a closure over it would need memory where nothing catches the lack of it. */
int session_display_values(lua_State *L);
/* celda.display(value): shows it now. */
int session_display(lua_State *L);
/* A value as a cell shows it: strings quoted, tables opened up to a depth and size, others by tostring. May raise
 * through a __tostring: call it protected. */
void session_inspect(lua_State *L, int index, struct buf *out);

#endif
