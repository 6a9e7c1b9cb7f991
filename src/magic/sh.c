/* %sh and %sx: commands of the shell, for `!command` and `name = !command`. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cancel.h"
#include "magic/magic.h"

extern char **environ;

/* Takes what a command writes, as it comes. */
typedef void output_fn(void *arg, const char *bytes, size_t n);

enum status magic_spawn(const char *command, const int fd[3], bool foreground, pid_t *pid, struct err *e) {
    char *const words[] = {"sh", "-c", (char *)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t all;
    posix_spawn_file_actions_init(&files);
    if (foreground) posix_spawn_file_actions_addtcsetpgrp_np(&files, fd[0]); /* not afterwards: keys may come first */
    for (int i = 0; i < 3; i++) posix_spawn_file_actions_adddup2(&files, fd[i], i);
    posix_spawnattr_init(&how);
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&how, &all);
    sigemptyset(&all);
    posix_spawnattr_setsigmask(&how, &all);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    const int failed = posix_spawn(pid, "/bin/sh", &files, &how, words, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return failed ? err_set(e, ERR_IO, "/bin/sh cannot be started: %s", strerror(failed)) : OK;
}

/* Starts it with nothing to read, its output and errors going to *out. */
static enum status start(const char *command, pid_t *pid, int *out, struct err *e) {
    const int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int end[2];
    if (none < 0) return err_set(e, ERR_IO, "/dev/null cannot be opened: %s", strerror(errno));
    if (pipe2(end, O_CLOEXEC) == 0) {
        const int fd[3] = {none, end[1], end[1]};
        if (magic_spawn(command, fd, false, pid, e)) close(end[0]);
        *out = end[0];
        close(end[1]);
    } else {
        err_set(e, ERR_IO, "no pipe for the command: %s", strerror(errno));
    }
    close(none);
    return e->status;
}

/* Whether it was stopped, as who reads a terminal that is not his is. */
static bool is_stopped(pid_t pid) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid == pid;
}

int magic_shell_status(int ended) {
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
}

/* Runs a command to its end; Ctrl-C goes to it, and a second after it does not end by that it is killed. Its status as the
 * shell counts it. */
static enum status run_command(const char *command, output_fn *take, void *arg, int *status, struct err *e) {
    char bytes[4096];
    int from = -1, ended, waits = 0;
    bool stopped = false;
    ssize_t n = 1;
    pid_t pid;
    if (start(command, &pid, &from, e)) return e->status;
    while (n > 0 || (n < 0 && errno == EINTR)) {
        struct pollfd fd = {.fd = from, .events = POLLIN};
        if (cancel_requested()) kill(-pid, waits++ == 0 ? SIGINT : waits > 10 ? SIGKILL : 0);
        if (poll(&fd, 1, 100) <= 0) {
            if (!stopped && (stopped = is_stopped(pid))) kill(-pid, SIGKILL);
            continue;
        }
        n = read(from, bytes, sizeof bytes);
        if (n > 0) take(arg, bytes, (size_t)n);
    }
    close(from);
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR) {
    }
    *status = magic_shell_status(ended);
    if (stopped)
        return err_set(e, ERR_STATE,
                       "the command was stopped, and ended: there is no terminal to read from here; %%term has one");
    return cancel_check(e);
}

void magic_say_status(const struct magic_call *c, int status) {
    if (status) magic_print(c, "(exit status %d)\n", status);
}

/* ---- %sh ----------------------------------------------------------------------------------------------------------- */

static void show(void *arg, const char *bytes, size_t n) {
    struct sink *sink = arg;
    sink->text(sink, SINK_OUT, bytes, n);
}

static enum status run_sh(const struct magic_call *c, struct err *e) {
    int status;
    if (!*c->args && !*c->body) return err_set(e, ERR_VALUE, "which command? !COMMAND or %%sh COMMAND");
    const char *command = *c->body ? c->body : c->args;
    if (run_command(command, show, session_sink(c->session), &status, e)) return e->status;
    magic_say_status(c, status);
    return OK;
}

const struct magic magic_sh = {
    .name = "sh",
    .usage = "%sh COMMAND",
    .help = "runs a command of the shell: !COMMAND\nIts output is shown as it comes, Ctrl-C stops it, it reads nothing "
            "(%term COMMAND does). %%sh runs the whole cell.",
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
    if (run_command(command, collect, &lines, &status, e) == OK) {
        put_assignment(c->args, (size_t)(equals - c->args), &lines, &code);
        if (buf_status(&lines, e) == OK && buf_status(&code, e) == OK) {
            magic_say_status(c, status);
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
