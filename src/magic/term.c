/* %term: a command of the shell with the terminal to itself, for editors, pagers and what asks questions. Invariant: however
 * the command ends, celda has the terminal back as it was. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/cancel.h"
#include "magic/magic.h"

/* Waits for its end. What Ctrl-Z stopped goes on: there is no other job. */
static int wait_for(pid_t pid) {
    int ended = 0;
    for (;;) {
        const pid_t p = waitpid(pid, &ended, WUNTRACED);
        if (p == pid && !WIFSTOPPED(ended)) return magic_shell_status(ended);
        if (p == pid) kill(-pid, SIGCONT);
        if (p < 0 && errno != EINTR) return 0;
        if (p < 0 && cancel_requested()) kill(-pid, SIGINT);
    }
}

/* In the foreground of the terminal, which it may leave in any mode. */
static enum status run_there(const char *command, int terminal, int *status, struct err *e) {
    const int fd[3] = {terminal, terminal, terminal};
    struct termios before;
    sigset_t output, mask;
    pid_t pid;
    if (tcgetattr(terminal, &before)) return err_set(e, ERR_IO, "the terminal cannot be read");
    sigemptyset(&output);
    sigaddset(&output, SIGTTOU); /* sent to who sets a terminal from the background */
    pthread_sigmask(SIG_BLOCK, &output, &mask);
    if (magic_spawn(command, fd, true, &pid, e) == OK) {
        *status = wait_for(pid);
        tcsetpgrp(terminal, getpgrp());
        tcsetattr(terminal, TCSADRAIN, &before);
    }
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return e->status ? e->status : cancel_check(e);
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct sink *sink = session_sink(c->session);
    int status = 0;
    if (!*c->args) return err_set(e, ERR_VALUE, "which command? %%term COMMAND");
    const int terminal = sink->redraws ? open("/dev/tty", O_RDWR | O_CLOEXEC) : -1;
    if (terminal < 0 || tcgetpgrp(terminal) != getpgrp()) {
        err_set(e, ERR_UNSUPPORTED, "there is no terminal here for '%s'; !COMMAND needs none", c->args);
    } else {
        sink_flush(sink);
        if (run_there(c->args, terminal, &status, e) == OK) magic_say_status(c, status);
    }
    if (terminal >= 0) close(terminal);
    return e->status;
}

const struct magic magic_term = {
    .name = "term",
    .usage = "%term COMMAND",
    .help = "runs a command of the shell with the terminal to itself\nFor what reads or draws: %term vi notes.txt, "
            "%term git commit, %term python3. What it shows is not kept as the cell's output; !COMMAND keeps it.",
    .run = run,
};
