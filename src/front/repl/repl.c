/* The interactive session. Invariant: whatever is typed or pressed, the session and all it holds live until Ctrl-D (or the
 * terminal's end). */
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <libgen.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/readline.h>

#include "base/mem.h"
#include "base/pace.h"
#include "cell/magic_line.h"
#include "front/repl/input.h"
#include "front/repl/repl.h"
#include "session/checkpoint.h"

static struct repl *current;      /* for readline's line handler and the notebook's callback */
static int changes[2] = {-1, -1}; /* a pipe: 'w', the window has another size; 'c', the process goes on after a stop */

static void on_change(int number) {
    const int kept = errno;
    const bool at_prompt = rl_readline_state & RL_STATE_CALLBACK;
    if (number == SIGWINCH || at_prompt) (void)!write(changes[1], number == SIGWINCH ? "w" : "c", 1);
    errno = kept;
}

/* ---- running ------------------------------------------------------------------------------------------------------- */

static void show_status(struct repl *r, const struct session_result *result, const char *name) {
    struct sink *sink = &r->console.sink;
    struct buf line = {0};
    if (sink->colour) buf_puts(&line, "\033[2m");
    front_status_line(result, name, sink->width, &line);
    buf_puts(&line, sink->colour ? "\033[0m\n" : "\n");
    sink->text(sink, SINK_STATUS, buf_text(&line), line.len);
    buf_free(&line);
}

void repl_show_end(struct repl *r, const struct session_result *result, const char *name) {
    struct sink *sink = &r->console.sink;
    if (result->status) {
        sink->text(sink, SINK_ERR, sink->colour ? "\033[31m" : "", sink->colour ? 5 : 0);
        sink->text(sink, SINK_ERR, buf_text(&result->error), result->error.len);
        sink->text(sink, SINK_ERR, sink->colour ? "\033[0m" : "", sink->colour ? 4 : 0);
    }
    show_status(r, result, name);
}

enum status repl_run(struct repl *r, const struct cell *c, const char *name, int number) {
    struct session_result result;
    front_console_resize(&r->console);
    journal_begin(r->journal, name, number, c->source, c->size);
    session_run_cell(r->session, c, name, &result);
    journal_end(r->journal, &result);
    repl_show_end(r, &result, name);
    buf_free(&result.error);
    return result.status;
}

static enum status run_notebook_cell(struct magic_notebook *nb, int n) {
    const struct cell *c = &nb->notebook->cells[magic_cell_index(nb, n)];
    char name[32];
    snprintf(name, sizeof name, "[%d]", n);
    nb->running++;
    enum status s = repl_run(current, c, name, n);
    nb->running--;
    nb->state[n - 1].progress = s ? MAGIC_FAILED : MAGIC_DONE;
    if (s == OK) nb->next = n + 1;
    return s;
}

/* ---- input --------------------------------------------------------------------------------------------------------- */

static void on_line(char *line);

/* The name of input n: "[3]"; beside a notebook, whose cells have such names, "in 3". */
static int input_name(const struct repl *r, int n, char *room, size_t size) {
    return snprintf(room, size, r->notebook.notebook ? "in %d" : "[%d]", n);
}

/* How many of the notebook's cells are out of date. */
static int count_stale(struct repl *r) {
    const struct magic_notebook *nb = &r->notebook;
    struct err e = {0};
    int n = 0;
    struct magic_stale *stale = nb->notebook ? mem_alloc(sizeof *stale * (size_t)(nb->count + 1), &e) : NULL;
    if (stale && magic_find_stale(r->session, nb, stale, &e) == OK)
        for (int i = 0; i < nb->count; i++) n += stale[i].kind != MAGIC_FRESH;
    mem_free(stale);
    return n;
}

/* "[3]: ", "in 3 (2 stale): " beside a notebook, or dots of the same width for the lines that follow. */
static void show_prompt(struct repl *r) {
    char prompt[100], number[60];
    if (!r->pending.len && repl_refresh(r)) repl_show_next(r);
    const int stale = r->pending.len ? 0 : count_stale(r);
    int width = input_name(r, r->count + 1, number, sizeof number);
    if (stale) width += snprintf(number + width, sizeof number - (size_t)width, " (%d stale)", stale);
    if (!r->pending.len && repl_is_unsaved(r))
        width += snprintf(number + width, sizeof number - (size_t)width, " (not saved)");
    if (r->pending.len)
        snprintf(prompt, sizeof prompt, "%*s: ", width, "...");
    else if (session_debugging(r->session))
        snprintf(prompt, sizeof prompt, "debug> ");
    else
        snprintf(prompt, sizeof prompt, "%s: ", number);
    rl_callback_handler_install(prompt, on_line);
}

static bool is_blank(const char *s) {
    return s[strspn(s, " \t\r\n")] == 0;
}

static void step_notebook(struct repl *r) {
    struct magic_notebook *nb = &r->notebook;
    if (!nb->notebook) return;
    if (repl_refresh(r)) { /* what Enter would run is not what the user sees */
        repl_show_next(r);
        return;
    }
    if (nb->next > nb->count) return;
    if (nb->run_cell(nb, nb->next) == OK) repl_show_next(r);
}

/* Runs the pending input; magics that move about in the notebook show where they went. */
static void run_pending(struct repl *r) {
    char name[32];
    struct buf text = r->pending;
    r->pending = (struct buf){0};
    repl_add_history(r, text.data);
    repl_refresh(r);
    session_add_input(r->session, text.data, text.len);
    input_name(r, ++r->count, name, sizeof name);
    const struct cell input = {.title = "", .source = text.data, .size = text.len};
    repl_run(r, &input, name, 0);
    repl_follow_notebook(r);
    if (!repl_next_is_shown(r)) repl_show_next(r);
    buf_free(&text);
}

static bool is_magic(const char *line) {
    return cell_magic_line(line, strlen(line)).kind != CELL_MAGIC_NONE;
}

/* A line for the debugger; Ctrl-D leaves it. What looks like a magic is none of its commands. */
static bool run_debugger(struct repl *r, const char *line) {
    struct sink *sink = &r->console.sink;
    struct err e = {0};
    if (!session_debugging(r->session) || r->pending.len || (line && is_magic(line))) return false;
    if (!line) {
        session_debug_leave(r->session);
        repl_print(r, "\n");
        return true;
    }
    repl_add_history(r, line);
    if (session_debug(r->session, line, &e) == OK) return true;
    const char *on = sink->colour ? "\033[31m" : "", *off = sink->colour ? "\033[0m" : "";
    repl_print(r, "%s*** %s%s\n", on, e.text, off);
    return true;
}

/* What was typed joins the pending input; returns whether that is to run now. */
static bool take(struct repl *r, const char *text) {
    size_t n = strlen(text);
    if (r->pending.len) buf_putc(&r->pending, '\n');
    while (repl_has_screen() && n > 0 && strchr(" \t\n", text[n - 1])) n--;
    buf_put(&r->pending, text, n);
    return !r->pending.failed && (repl_has_screen() || input_is_whole(buf_text(&r->pending), r->pending.len));
}

/* What leaves IPython leaves here, too, as long as it names nothing else. */
static bool is_farewell(struct repl *r, const char *line) {
    static const char *const words[] = {"exit", "quit", "exit()", "quit()"};
    lua_State *L = session_lua(r->session);
    char name[5];
    const size_t n = line ? strcspn(line, " \n") : 0;
    for (size_t i = 0; n && !r->pending.len && is_blank(line + n) && i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) != n || strncmp(line, words[i], n) != 0) continue;
        snprintf(name, sizeof name, "%s", line);
        const bool named = lua_getglobal(L, name) != LUA_TNIL;
        lua_pop(L, 1);
        return !named;
    }
    return false;
}

static void leave(struct repl *r) {
    repl_print(r, "\n");
    r->done = repl_may_leave(r);
}

/* readline has a line, or with a screen the whole cell (NULL: Ctrl-D). */
static void on_line(char *line) {
    struct repl *r = current;
    rl_callback_handler_remove();
    if (!line) {
        repl_leave_input();
        rl_eof_found = 0; /* else readline would put a blank line behind each later input */
    }
    if (run_debugger(r, line)) {
    } else if (!line) {
        if (r->pending.len) { /* an unfinished input is dropped first */
            buf_free(&r->pending);
            repl_print(r, "\n");
        } else {
            leave(r);
        }
    } else if (is_farewell(r, line)) {
        leave(r);
    } else if (!r->pending.len && is_blank(line)) {
        step_notebook(r);
    } else if (take(r, line)) {
        run_pending(r);
    }
    free(line);
    if (!r->done) show_prompt(r);
}

/* Reads all there is; whether `wanted` was among it. */
static bool drain(int fd, char wanted) {
    char bytes[64];
    bool found = false;
    for (ssize_t n; (n = read(fd, bytes, sizeof bytes)) > 0;) found = found || memchr(bytes, wanted, (size_t)n);
    return found;
}

/* The shell may have set the terminal as it likes it, and written to it. */
static void on_window_change(struct repl *r) {
    if (drain(changes[0], 'c')) {
        rl_deprep_terminal();
        rl_prep_terminal(1);
        repl_draw_input();
    }
    repl_resize_input();
    front_console_resize(&r->console);
}

/* Ctrl-C at the prompt clears what was typed. */
static void on_interrupt(struct repl *r) {
    drain(r->interrupts, 0);
    buf_free(&r->pending);
    rl_free_line_state(); /* a search or a number that was being typed */
    rl_callback_sigcleanup();
    repl_leave_input();
    repl_print(r, "^C\n");
    rl_callback_handler_remove();
    show_prompt(r);
}

static void loop(struct repl *r) {
    struct pollfd fd[3] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = r->interrupts, .events = POLLIN},
                           {.fd = changes[0], .events = POLLIN}};
    show_prompt(r);
    while (!r->done) {
        if (poll(fd, 3, -1) < 0 && errno != EINTR) break;
        if (fd[2].revents & POLLIN) on_window_change(r);
        if (fd[1].revents & POLLIN)
            on_interrupt(r);
        else if (fd[0].revents & (POLLIN | POLLHUP))
            rl_callback_read_char();
        r->lost = r->terminal && fd[0].revents & (POLLHUP | POLLERR);
        if (fd[0].revents & (POLLERR | POLLNVAL)) break;
        fd[0].revents = fd[1].revents = fd[2].revents = 0;
    }
    rl_callback_handler_remove();
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static enum status open_notebook(struct repl *r, const char *path, struct err *e) {
    struct magic_notebook *nb = &r->notebook;
    char copy[PATH_MAX];
    if (magic_notebook_open(nb, path, e)) return e->status;
    snprintf(copy, sizeof copy, "%s", path);
    if (chdir(dirname(copy))) return err_set(e, ERR_IO, "cannot enter the folder of '%s': %s", path, strerror(errno));
    return OK;
}

static void open_terminal(struct repl *r) {
    struct sigaction action = {.sa_handler = on_change, .sa_flags = SA_RESTART};
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) setlocale(LC_CTYPE, "C.UTF-8");
    sigemptyset(&action.sa_mask);
    if (pipe2(changes, O_CLOEXEC | O_NONBLOCK) == 0) {
        sigaction(SIGWINCH, &action, NULL);
        sigaction(SIGCONT, &action, NULL);
    }
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_variable_bind("enable-bracketed-paste", "on");
    rl_getc_function = repl_read_byte;
    repl_open_completion(r);
    repl_open_history(r);
    if (r->terminal && r->console.sink.redraws) repl_open_keys(r);
}

static enum status open_session(struct repl *r, const char *path, const struct journal_info *resumed, struct err *e) {
    char notebook[PATH_MAX] = "";
    if (path && !realpath(path, notebook)) {
        const char *hint = errno == ENOENT ? "; %new in celda begins a notebook" : "";
        return err_set(e, ERR_IO, "cannot open '%s': %s%s", path, strerror(errno), hint);
    }
    if (path && open_notebook(r, path, e)) return e->status;
    if (journal_open(&r->console.sink, notebook, &r->journal, e)) return e->status;
    if (resumed && journal_continue(r->journal, resumed->path, e)) return e->status;
    if (pace_open(journal_sink(r->journal), &r->pace, e)) return e->status;
    if (session_open(pace_sink(r->pace), &r->session, e)) return e->status;
    const char *checkpoints = journal_checkpoints(r->journal);
    if (*checkpoints && session_checkpoint_start(r->session, checkpoints, e)) return e->status;
    session_set_magic(r->session, magic_run_line, &r->notebook);
    if (session_keep_undo(r->session, mem_limit() / 8, e)) return e->status;
    return session_catch_interrupts(r->session, &r->interrupts, e);
}

static void close_session(struct repl *r, bool clean) {
    session_close(r->session);
    pace_close(r->pace);
    journal_close(r->journal, clean);
    magic_notebook_close(&r->notebook);
    buf_free(&r->pending);
}

static void greet(struct repl *r, const char *path) {
    const struct notebook *nb = r->notebook.notebook;
    repl_tell(r, "celda " CELDA_VERSION ": Lua and Keras in the terminal. %%help lists commands, Ctrl-D leaves.\n");
    for (size_t i = 0; nb && i < nb->warning_count; i++)
        repl_tell(r, "%s:%d: %s\n", path, nb->warnings[i].line, nb->warnings[i].text);
    repl_show_rescued(r);
    if (nb)
        repl_tell(r, "%s: %d cell%s. Enter runs the next one.\n", path, r->notebook.count,
                  r->notebook.count == 1 ? "" : "s");
}

/* The user's own start; CELDA_INIT=off: without it. */
static void load_init(struct repl *r) {
    const char *init = getenv("CELDA_INIT");
    if (r->terminal) session_set_bind(r->session, repl_bind, NULL);
    if (!init || strcmp(init, "off") != 0) session_load_init(r->session);
}

int repl_main(const char *path, const struct journal_info *resumed, bool run_all) {
    static struct repl r;
    struct err e = {0};
    current = &r;
    r.notebook.run_cell = run_notebook_cell;
    r.notebook.ask = repl_ask;
    front_console_open(&r.console);
    r.console.status = true;
    r.terminal = isatty(STDIN_FILENO);
    if (open_session(&r, path, resumed, &e)) {
        close_session(&r, true);
        return front_fail(e.text);
    }
    open_terminal(&r);
    greet(&r, path);
    load_init(&r);
    if (resumed && repl_resume(&r, resumed, &e)) repl_tell(&r, "(cannot resume: %s)\n", e.text);
    repl_show_next(&r);
    if (run_all) {
        buf_puts(&r.pending, "%run");
        run_pending(&r);
    }
    loop(&r);
    const bool unsaved = repl_is_unsaved(&r);
    close_session(&r, !r.lost);
    return unsaved;
}

int front_repl(const char *path) {
    struct journal_info info;
    char *notebook[] = {(char *)path};
    if (path && repl_wants_attach(path)) return front_attach(1, notebook);
    return repl_main(path, path && repl_wants_resume(path, &info) ? &info : NULL, false);
}

int front_repl_all(const char *path) {
    return repl_main(path, NULL, true);
}
