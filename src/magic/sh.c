/* %sh and %sx: commands of the shell, for `!command` and `name = !command`. */
#include <string.h>
#include <unistd.h>

#include "magic/command.h"
#include "magic/magic.h"

static void say_status(const struct magic_call *c, int status) {
    if (status) magic_print(c, "(exit status %d)\n", status);
}

/* ---- %sh ----------------------------------------------------------------------------------------------------------- */

static void show(void *arg, const char *bytes, size_t n) {
    struct sink *sink = arg;
    sink->text(sink, SINK_OUT, bytes, n);
}

static enum status run_sh(const struct magic_call *c, struct err *e) {
    int status = 0;
    if (!*c->args && !*c->body) return err_set(e, ERR_VALUE, "which command? !COMMAND or %%sh COMMAND");
    const char *command = *c->body ? c->body : c->args;
    /* Where somebody can be asked, the command may ask, too: for a password, or as an editor does. */
    const bool asks = c->place && c->place->ask && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if ((asks ? command_run_on_terminal : command_run)(command, show, session_sink(c->session), &status, e))
        return e->status;
    say_status(c, status);
    return OK;
}

const struct magic magic_sh = {
    .name = "sh",
    .usage = "%sh COMMAND",
    .help =
        "runs a command of the shell: !COMMAND\nIts output is shown as it comes, Ctrl-C stops it. In a session on a "
        "terminal it has the keys meanwhile; celda run gives it nothing to read. %%sh runs the whole cell.",
    .takes_cell = true,
    .run = run_sh,
};

/* ---- %sx ----------------------------------------------------------------------------------------------------------- */

static void collect(void *arg, const char *bytes, size_t n) {
    buf_put(arg, bytes, n);
}

/* "name = {"line", "line"}". */
static void put_assignment(const char *name, size_t n, const struct buf *lines, struct buf *out) {
    const char *at = buf_text(lines), *end = at + lines->len;
    buf_put(out, name, n);
    buf_puts(out, " = {");
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) stop = end;
        magic_put_string(at, (size_t)(stop - at), out);
        buf_puts(out, ", ");
        at = stop + 1;
    }
    buf_putc(out, '}');
}

static enum status run_sx(const struct magic_call *c, struct err *e) {
    const char *equals = strchr(c->args, '=');
    struct buf lines = {0}, code = {0};
    int status;
    if (!equals || equals == c->args) return err_set(e, ERR_VALUE, "write NAME = !COMMAND");
    const char *command = equals + 1 + strspn(equals + 1, " ");
    if (command_run(command, collect, &lines, &status, e) == OK) {
        put_assignment(c->args, (size_t)(equals - c->args), &lines, &code);
        if (buf_status(&lines, e) == OK && buf_status(&code, e) == OK) {
            say_status(c, status);
            const enum status s = session_run_part(c->session, code.data, code.len);
            buf_free(&lines);
            buf_free(&code);
            return s;
        }
    }
    buf_free(&lines);
    buf_free(&code);
    return e->status;
}

const struct magic magic_sx = {
    .name = "sx",
    .usage = "%sx NAME = COMMAND",
    .help = "keeps a command's output: NAME = !COMMAND\nNAME becomes the list of its lines, errors among them.",
    .run = run_sx,
};
