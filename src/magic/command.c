/* Commands of the shell. Invariant: when a call returns, the command has ended and the user's terminal is as it was. */
#include "magic/command.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/cancel.h"

extern char **environ;

enum { BYTES = 4096, LOOK = 100 /* ms between two looks at the cancel flag and at the window */ };

/* Starts it in a process group of its own, its output and errors going to *out. */
static enum status start(const char *command, pid_t *pid, int *out, struct err *e) {
    char *const words[] = {"sh", "-c", (char *)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t all;
    int end[2];
    if (pipe(end)) return err_set(e, ERR_IO, "no pipe for the command: %s", strerror(errno));
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", 0, 0);
    posix_spawn_file_actions_adddup2(&files, end[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, end[1], STDERR_FILENO);
    posix_spawn_file_actions_addclose(&files, end[0]);
    posix_spawn_file_actions_addclose(&files, end[1]);
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
    close(end[1]);
    *out = end[0];
    if (!failed) return OK;
    close(end[0]);
    return err_set(e, ERR_IO, "/bin/sh cannot be started: %s", strerror(failed));
}

/* Passes a cancel on; `waits` counts the looks since the first. */
static void pass_cancel(pid_t pid, int *waits) {
    if (cancel_requested()) kill(-pid, (*waits)++ == 0 ? SIGINT : *waits > 10 ? SIGKILL : 0);
}

static int wait_for(pid_t pid) {
    int ended;
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
}

enum status command_run(const char *command, command_output_fn *take, void *arg, int *status, struct err *e) {
    char bytes[BYTES];
    int from = -1, waits = 0;
    ssize_t n = 1;
    pid_t pid;
    if (start(command, &pid, &from, e)) return e->status;
    while (n > 0 || (n < 0 && errno == EINTR)) {
        struct pollfd fd = {.fd = from, .events = POLLIN};
        pass_cancel(pid, &waits);
        if (poll(&fd, 1, LOOK) <= 0) continue;
        n = read(from, bytes, sizeof bytes);
        if (n > 0) take(arg, bytes, (size_t)n);
    }
    close(from);
    *status = wait_for(pid);
    return cancel_check(e);
}

/* ---- on a terminal -------------------------------------------------------------------------------------------------- */

/* The command, as the leader of the session of a new terminal, whose other side *keeper is. */
static enum status start_on_terminal(const char *command, const struct termios *settings, pid_t *pid, int *keeper,
                                     struct err *e) {
    sigset_t none;
    struct winsize size;
    const bool sized = ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0;
    *pid = forkpty(keeper, NULL, settings, sized ? &size : NULL);
    if (*pid < 0) return err_set(e, ERR_IO, "no terminal for the command: %s", strerror(errno));
    if (*pid > 0) return OK;
    for (int s = 1; s < NSIG; s++) signal(s, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* False where the user's terminal is gone. */
static bool pass_keys(int keeper) {
    char keys[BYTES];
    const ssize_t n = read(STDIN_FILENO, keys, sizeof keys);
    for (ssize_t done = 0, k; done < n; done += k)
        if ((k = write(keeper, keys + done, (size_t)(n - done))) <= 0) return true;
    return n > 0 || (n < 0 && errno == EINTR);
}

static void pass_size(int keeper) {
    struct winsize user, its;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &user) || ioctl(keeper, TIOCGWINSZ, &its)) return;
    if (memcmp(&user, &its, sizeof user) != 0) ioctl(keeper, TIOCSWINSZ, &user);
}

/* False where there will be no more. */
static bool pass_output(int keeper, command_output_fn *take, void *arg) {
    char bytes[BYTES];
    const ssize_t n = read(keeper, bytes, sizeof bytes);
    if (n > 0) take(arg, bytes, (size_t)n);
    return n > 0 || (n < 0 && errno == EINTR);
}

static bool has_ended(pid_t pid) {
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* Until the command has ended: what it left behind may have its terminal open for long. */
static void relay(pid_t pid, int keeper, command_output_fn *take, void *arg) {
    int waits = 0;
    for (bool on = true; on;) {
        struct pollfd fd[] = {{.fd = keeper, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
        const bool last = has_ended(pid);
        pass_cancel(pid, &waits);
        pass_size(keeper);
        if (poll(fd, 2, last ? 0 : LOOK) < 0) continue;
        if (fd[1].revents && !last) on = pass_keys(keeper);
        if (on && fd[0].revents)
            on = pass_output(keeper, take, arg);
        else if (last)
            on = false;
    }
}

enum status command_run_on_terminal(const char *command, command_output_fn *take, void *arg, int *status,
                                    struct err *e) {
    struct termios before, raw;
    int keeper;
    pid_t pid;
    if (tcgetattr(STDIN_FILENO, &before)) return err_set(e, ERR_IO, "standard input is no terminal");
    if (start_on_terminal(command, &before, &pid, &keeper, e)) return e->status;
    raw = before;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    relay(pid, keeper, take, arg);
    close(keeper);
    *status = wait_for(pid);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    if (*status == 128 + SIGINT) return err_set(e, ERR_CANCELLED, "interrupted");
    return cancel_check(e);
}
