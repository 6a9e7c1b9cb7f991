/* celda --detach and celda attach: a session that outlives its terminal. One process has the session, on a terminal of its
 * own, another keeps that terminal's other side; who is attached talks to the keeper. */
#include "front/detach/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "cell/notebook.h"
#include "front/front.h"

enum { LEAVE = 034 /* Ctrl-\ */ };

/* ---- celda --detach -------------------------------------------------------------------------------------------------- */

static void leave_terminal(void) {
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(null, fd);
    if (null > 2) close(null);
}

/* A pseudo-terminal: the keeper's side and the session's. */
struct sides {
    int keeper, session;
};

static enum status open_terminal(struct sides *t, struct err *e) {
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    if (openpty(&t->keeper, &t->session, NULL, NULL, &size) == 0) return OK;
    return err_set(e, ERR_IO, "no pseudo-terminal can be had for the session: %s", strerror(errno));
}

/* In a process of its own, until the session ends. */
static int keep_session(const char *notebook, const char *socket_path, int listener, struct sides terminal,
                        int (*session)(const char *path)) {
    setsid();
    listen(listener, 4); /* again: whoever connects sees this process at the other end */
    pid_t child = fork();
    if (child == 0) {
        close(listener);
        close(terminal.keeper);
        signal(SIGHUP, SIG_DFL); /* the keeper is gone: so is the terminal */
        return login_tty(terminal.session) ? 1 : session(notebook);
    }
    close(terminal.session);
    leave_terminal();
    signal(SIGHUP, SIG_IGN);
    if (child > 0)
        detach_keep(listener, socket_path, terminal.keeper, child);
    else
        unlink(socket_path);
    return child < 0;
}

/* What is wrong with it is told while somebody listens. */
static enum status check_notebook(const char *path, struct err *e) {
    struct notebook *nb;
    if (notebook_read(path, &nb, e) == OK) notebook_free(nb);
    return e->status;
}

int front_detach(const char *path, int (*session)(const char *path)) {
    char notebook[PATH_MAX], socket_path[PATH_MAX];
    struct err e = {0};
    struct sides terminal;
    int listener;
    if (!realpath(path, notebook)) {
        fprintf(stderr, "celda: cannot open '%s': %s\n", path, strerror(errno));
        return 1;
    }
    if (check_notebook(notebook, &e) || detach_socket_path(notebook, socket_path, sizeof socket_path, &e) ||
        open_terminal(&terminal, &e) || detach_listen(socket_path, &listener, &e))
        return front_fail(e.text);
    pid_t keeper = fork();
    if (keeper < 0) return front_fail("cannot start another process");
    if (keeper == 0) return keep_session(notebook, socket_path, listener, terminal, session);
    printf("%s runs, detached. celda attach %s shows it; Ctrl-\\ leaves it again.\n", path, path);
    return 0;
}

/* ---- celda attach ---------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t resized;

static void on_resize(int number) {
    (void)number;
    resized = 1;
}

/* Also the greeting: who says nothing is not shown anything. */
static void send_size(int fd) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && ioctl(STDIN_FILENO, TIOCGWINSZ, &size)) return;
    const unsigned char packet[] = {'w', size.ws_row & 255, size.ws_row >> 8, size.ws_col & 255, size.ws_col >> 8};
    send(fd, packet, sizeof packet, MSG_NOSIGNAL);
}

/* False when the user leaves, or the terminal is gone. */
static bool send_keys(int fd) {
    char packet[256] = "k";
    ssize_t n = read(STDIN_FILENO, packet + 1, sizeof packet - 1);
    if (n < 0 && errno == EINTR) return true;
    const char *leave = n > 0 ? memchr(packet + 1, LEAVE, (size_t)n) : NULL;
    if (leave) n = leave - packet - 1;
    if (n > 0) send(fd, packet, (size_t)n + 1, MSG_NOSIGNAL);
    return n > 0 && !leave;
}

/* False at the end; `why` is what the keeper says of it. */
static bool show_packet(int fd, char *why, size_t size) {
    char packet[DETACH_PACKET];
    ssize_t n = recv(fd, packet, sizeof packet, 0);
    if (n < 0 && errno == EINTR) return true;
    if (n > 0 && packet[0] == 'o') {
        for (ssize_t done = 1; done < n;) {
            ssize_t k = write(STDOUT_FILENO, packet + done, (size_t)(n - done));
            if (k < 0 && errno != EINTR) return false;
            if (k > 0) done += k;
        }
        return true;
    }
    if (n > 0)
        snprintf(why, size, "%.*s", (int)n - 1, packet + 1);
    else
        snprintf(why, size, "the session is gone");
    return false;
}

static void relay(int fd, char *why, size_t size) {
    struct pollfd p[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    for (bool on = true; on;) {
        if (poll(p, 2, -1) < 0 && errno != EINTR) return;
        if (resized) {
            resized = 0;
            send_size(fd);
            continue;
        }
        if (p[1].revents) on = show_packet(fd, why, size);
        if (on && p[0].revents) on = send_keys(fd);
        p[0].revents = p[1].revents = 0;
    }
}

static int attach(int fd) {
    struct sigaction action = {.sa_handler = on_resize};
    struct termios before, raw;
    char why[128] = "detached; the session goes on";
    if (tcgetattr(STDIN_FILENO, &before)) return front_fail("celda attach needs a terminal");
    sigemptyset(&action.sa_mask);
    sigaction(SIGWINCH, &action, NULL);
    raw = before;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    send_size(fd);
    relay(fd, why, sizeof why);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    printf("\n(%s)\n", why);
    return 0;
}

/* The socket of the session that runs detached with the notebook. ERR_NOT_FOUND: there is none. */
static enum status connect_to(const char *path, int *fd, struct err *e) {
    char notebook[PATH_MAX], socket_path[PATH_MAX];
    struct err why = {0};
    if (!realpath(path, notebook)) return err_set(e, ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    if (detach_socket_path(notebook, socket_path, sizeof socket_path, e)) return e->status;
    if (detach_connect(socket_path, fd, &why) == OK) return OK;
    if (why.status != ERR_NOT_FOUND) return err_set(e, why.status, "%s", why.text);
    return err_set(e, ERR_NOT_FOUND, "no session with %s runs detached; celda --detach %s starts one", path, path);
}

bool front_runs_detached(const char *path) {
    struct err e = {0};
    int fd;
    if (connect_to(path, &fd, &e)) return false;
    close(fd);
    return true;
}

int front_attach(int argc, char **argv) {
    struct err e = {0};
    int fd;
    if (argc != 1) {
        fputs("usage: celda attach NOTEBOOK.cells\n", stderr);
        return 2;
    }
    if (connect_to(argv[0], &fd, &e)) return front_fail(e.text);
    int status = attach(fd);
    close(fd);
    return status;
}
