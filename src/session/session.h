/* A session: one Lua state with the core bound in, in which cells run one after another and whatever they made is kept.
 * This is the narrow face that magics and fronts use. */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sink.h"
#include "cell/notebook.h"

struct run;
struct session;

/* The session writes to `sink`, which must outlive it. */
enum status session_open(struct sink *sink, struct session **out, struct err *e);
void session_close(struct session *s);
void session_set_sink(struct session *s, struct sink *sink);
struct sink *session_sink(struct session *s);
lua_State *session_lua(struct session *s);
struct run *session_runtime(struct session *s);

/* ---- what the machine gives and holds ----------------------------------------------------------------------------- */

struct session_resources {
    double wall, cpu;             /* seconds since some start */
    size_t rss, rss_peak;         /* of this process, bytes */
    bool peak_is_cells;           /* the peak is since session_resources_begin; else since the process began */
    size_t ram_limit;             /* of the cgroup or the machine, whichever holds */
    const char *ram_source;       /* "cgroup" or "machine" */
    size_t disk_free, disk_total; /* of the file system that holds `folder` */
    size_t lua_bytes, tensor_bytes;
};
void session_resources_read(const char *folder, struct session_resources *out);
/* The same, and the peak counts from now, where the system lets us say so. */
void session_resources_begin(const char *folder, struct session_resources *out);

/* ---- running a cell ------------------------------------------------------------------------------------------------ */

struct session_result {
    enum status status;  /* OK, ERR_CANCELLED after Ctrl-C, else the kind of the error */
    char error_name[32]; /* "IndexError", "SyntaxError", "KeyboardInterrupt", "Error" for a string; "" when OK */
    struct buf error;    /* message and traceback with cells and lines, our own frames hidden; empty when OK */
    size_t message_size; /* bytes of the message, at the beginning of `error` */
    int error_line;      /* line in the cell, 0: unknown */
    bool has_value;      /* the last statement was an expression; its value was displayed and is `_` now */
    struct session_resources before, after;
    const char *device;  /* the runtime device when the cell ended */
    size_t device_bytes; /* held there, where its memory is not this process's */
};

/* Runs source as the cell called `name` ("[3]" in tracebacks): top-level locals persist, the value of a last expression
 * goes to the sink's display, `print` streams, Ctrl-C stops it, devices are synced before the time is taken. Magics
 * (`%name ...`, `-- %name ...`, `%%name` on the first line, `?thing`) are handed to the handler set below. Never raises,
 * never ends the process. The caller frees out->error. */
void session_run(struct session *s, const char *source, size_t n, const char *name, struct session_result *out);

/* The same for a notebook's cell, as its metadata asks: on its device, with all the session holds, and back again; stopped
 * like Ctrl-C does after its timeout, ERR_TIMEOUT. */
void session_run_cell(struct session *s, const struct cell *c, const char *name, struct session_result *out);

/* ---- where the time goes --------------------------------------------------------------------------------------------- */

/* A thousand times a second it is noted which line of the user's runs, or waits for a function of C's. ERR_STATE: it is
 * so already. */
enum status session_sample_begin(struct err *e);
/* Ends it; appends the lines, the slowest first, with their share and milliseconds. Returns the seconds in all. */
double session_sample_end(struct session *s, struct buf *out);

/* ---- what cells cost ----------------------------------------------------------------------------------------------- */

struct session_cost {
    char name[32]; /* of the cell */
    int runs;
    enum status status; /* of the last run, as all below */
    double wall, cpu;   /* seconds */
    double ram, disk;   /* bytes more than before */
    double ram_peak;    /* of the process while the cell ran, bytes */
    double device_bytes;
    const char *device;
};

void session_cost_of(const struct session_result *r, struct session_cost *out);
/* Calls fn for each name under which cells ran, in the order of their first runs. A reset forgets none. */
void session_each_cost(const struct session *s, void (*fn)(void *arg, const struct session_cost *c), void *arg);

/* The notebook's cells have other numbers now, [n] is to[n - 1], 0: there is no such cell any more. What is known of
 * their runs (the trail, the ledger, what can be taken back) follows; of one that is gone it is kept under "former [n]".
 * Functions keep the name of the cell they came from. */
void session_rename_cells(struct session *s, const int *to, int count);
/* A cell that was gone is there again as [n], the number that it had. */
void session_restore_cell(struct session *s, int n);

/* ---- magics --------------------------------------------------------------------------------------------------------- */

/* How many runs have ended, those within others not counted. A checkpoint brings the number back that held when it was
 * written: so one can tell which runs it knows of. */
int session_runs(const struct session *s);
void session_set_runs(struct session *s, int runs);

/* How a line that starts with % (or a cell that starts with %%) is run; set by magic/. Returns an error status with e
 * filled, or OK. `body` is the rest of the cell for %%magics, else "". */
typedef enum status session_magic_fn(struct session *s, void *arg, const char *line, const char *body, struct err *e);
void session_set_magic(struct session *s, session_magic_fn *fn, void *arg);
/* A magic that Lua added by celda.magic. */
struct session_magic {
    const char *name, *usage, *help; /* Lua's */
    bool takes_cell;
};
void session_each_magic(struct session *s, void (*fn)(void *arg, const struct session_magic *m), void *arg);
/* Calls its function as a part of the cell that runs now, as session_run_part; what it returns is shown. */
enum status session_call_magic(struct session *s, const char *name, const char *args, const char *body);
/* For magics that run code (%time, %%time): source as a part of the cell that runs now, from the magic's line on.
 * Its error is the cell's: the status says that there was one, and nothing is left to report. */
enum status session_run_part(struct session *s, const char *source, size_t n);
/* For those that call code which the user gave them, perhaps often: errors show what was given. */
struct session_code {
    const char *source; /* a chunk that returns a function of the user's code, on the lines where `shown` has it */
    const char *shown;  /* what the user wrote */
    lua_CFunction call; /* is called with the chunk and arg, a light userdata */
    void *arg;
};
enum status session_run_code(struct session *s, const struct session_code *c);
/* Pushes function `name` of an embedded module. Raises: for functions that are called protected. */
void session_push_function(lua_State *L, const char *module, const char *name);
/* Calls f with arg, a light userdata, as a part of the cell that runs now; what it returns is shown. */
enum status session_run_function(struct session *s, lua_CFunction f, void *arg);

/* Runs the user's init.lua, if there is one, now and after each reset; what it sets is not listed among the session's
 * variables. An error in it is told, with its line, and ends it. */
void session_load_init(struct session *s);
/* What celda.bind does: the keys, in readline's notation ("\\C-t"), type the text from now on. */
typedef enum status session_bind_fn(void *arg, const char *keys, const char *text, struct err *e);
void session_set_bind(struct session *s, session_bind_fn *fn, void *arg);

/* The folder that disk figures are of and relative paths start in (the notebook's), and the script's arguments. */
enum status session_set_folder(struct session *s, const char *path, struct err *e);
const char *session_folder(const struct session *s);
void session_set_args(struct session *s, const char *script, char **argv, int argc);

/* Forgets all variables and starts a fresh Lua state; the sink, folder and magics stay. Not from within Lua code:
 * ERR_STATE. */
enum status session_reset(struct session *s, struct err *e);

/* Session variables (top-level locals kept across cells), for %who and completion: calls fn with the value on the Lua
 * stack's top. */
void session_each_local(struct session *s, void (*fn)(void *arg, lua_State *L, const char *name), void *arg);

/* Likewise the globals that were not there when the session was opened. */
void session_each_global(struct session *s, void (*fn)(void *arg, lua_State *L, const char *name), void *arg);

/* ---- saving and loading ------------------------------------------------------------------------------------------------ */

/* Writes all variables, functions, models and the random state to a file (FORMAT.md); the file is whole or as it was. What
 * cannot be saved is named in `report`, a line each. */
enum status session_save(struct session *s, const char *path, struct buf *report, struct err *e);
/* Puts what a file holds into the session, all of it or, after an error, nothing; `salvage`: of a damaged file what is
 * whole. `report` says what that is. */
enum status session_load(struct session *s, const char *path, bool salvage, struct buf *report, struct err *e);

/* One way to go on with a word. */
struct session_candidate {
    size_t start;     /* of the word in the line */
    const char *word; /* for an argument by name "strides = " */
    const char *note; /* an argument's default and type: "{1, 1}  an integer or a list of 2 integers"; "": none */
    bool argument;    /* of the call that is being typed: these come first, in the function's order */
    bool shown_only;  /* one that the cursor's place does not take by name */
};

/* Completions of the word that ends at `cursor` in `line`: globals, session variables, fields and methods behind a dot
 * or colon, keywords, arguments of the call that is being typed; magics are added by the caller. Each is passed to `add`;
 * its texts live as long as the call. No user code runs but __index tables and pairs over plain tables. */
void session_complete(struct session *s, const char *line, size_t cursor,
                      void (*add)(void *arg, const struct session_candidate *c), void *arg);

/* The strings that the argument may be whose value begins with the quote at byte `quote`: "relu" in `activation = "re`. */
void session_complete_value(struct session *s, const char *line, size_t quote,
                            void (*add)(void *arg, const struct session_candidate *c), void *arg);

/* Help for `thing`, a dotted name or an expression: what help() prints; where it is nothing, that it was perhaps meant
 * to be `other` (NULL: unknown). */
enum status session_help(struct session *s, const char *thing, const char *other, struct buf *out, struct err *e);
/* The same for who is typing "a.b:c", where there is a text: nothing of the user's runs. False: there is none. */
bool session_help_at(struct session *s, const char *path, size_t n, struct buf *out);
/* The source of the Lua function that `thing` names, and where it stands ("[3]:2"); where it is none, `place` stays empty and
 * `source` is help that says so. */
enum status session_source(struct session *s, const char *thing, struct buf *place, struct buf *source, struct err *e);

/* ---- taking cells back ----------------------------------------------------------------------------------------------- */

/* From now on the state before each of the last 16 cells that run Lua is kept, as session/snapshot.h says, as long as
 * `budget` bytes of tensors are enough for what they changed; 0: no more. It goes when memory is short. */
enum status session_keep_undo(struct session *s, size_t budget, struct err *e);
/* Takes back what the last cell changed, or what the last session_undo took back; `cell` is its name ("[3]").
 * ERR_STATE: there is none, or it overwrote more than was kept. */
enum status session_undo(struct session *s, char cell[32], struct err *e);
enum status session_redo(struct session *s, char cell[32], struct err *e);
struct snapshot;
/* For magics that go back themselves while the running cell runs: the state before it is not kept, but for this one
 * (taken over), if they give one. */
void session_undo_skip(struct session *s);
void session_undo_keep(struct session *s, struct snapshot *before);
/* "xs: a table of 300000 entries", one a line: what would not come back. */
const char *session_undo_left_out(const struct session *s);

/* ---- what was typed -------------------------------------------------------------------------------------------------- */

/* The front gives each input that it runs; a reset forgets none. */
void session_add_input(struct session *s, const char *source, size_t n);
int session_input_count(const struct session *s);
const char *session_input_at(const struct session *s, int number); /* from 1 */

/* ---- watched expressions ---------------------------------------------------------------------------------------------- */

/* Shows the expression now and after each cell that runs Lua, as "x = 3". ERR_VALUE: it is none. */
enum status session_watch(struct session *s, const char *code, struct err *e);
enum status session_unwatch(struct session *s, const char *code, struct err *e);
void session_unwatch_all(struct session *s);
int session_watch_count(const struct session *s);
const char *session_watch_at(const struct session *s, int i);

/* ---- looking at an error ---------------------------------------------------------------------------------------------- */

/* The last error of a cell keeps the user's frames, with copies of their locals, until the next one or until memory is
 * short. Runs a debugger's command ("up", "p x", "" for the last one again; "help" names all), which prints to the sink.
 * ERR_STATE: there was no error; else what was evaluated raised one. */
enum status session_debug(struct session *s, const char *command, struct err *e);
/* Shows the frame; until the user leaves, the front gives what is typed to session_debug. */
enum status session_debug_enter(struct session *s, struct err *e);
bool session_debugging(const struct session *s);
void session_debug_leave(struct session *s);

/* ---- interrupt ------------------------------------------------------------------------------------------------------ */

/* Installs the SIGINT handler for the main thread; the descriptor becomes readable when one came (a self-pipe), so that
 * a poll loop wakes. While no cell runs, the front decides what Ctrl-C means. */
enum status session_catch_interrupts(struct session *s, int *fd, struct err *e);
/* As the handler does, from another thread (Jupyter's interrupt_request). Async-signal-safe. */
void session_interrupt(void);

#endif
