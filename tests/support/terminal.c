/* See terminal.h. */
#include "support/terminal.h"

#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

void terminal_start(struct terminal *t, int columns, const char *first, const char *second) {
    t->screen = NULL;
    terminal_start_as(t, "xterm", false, columns, first, second);
}

void terminal_start_as(struct terminal *t, const char *term, bool colour, int columns, const char *first,
                       const char *second) {
    struct winsize size = {.ws_row = 30, .ws_col = (unsigned short)columns};
    const char *binary = getenv("CELDA");
    t->seen = (struct buf){0};
    t->pid = forkpty(&t->fd, NULL, NULL, &size);
    if (t->pid < 0) {
        print_message("skipped: this machine gives no pseudo-terminal\n");
        skip();
    }
    if (t->pid == 0) {
        setenv("TERM", term, 1);
        setenv("NO_COLOR", colour ? "" : "1", 1);
        execl(binary ? binary : "./celda", "celda", first, second, (char *)NULL);
        _exit(127);
    }
}

void terminal_resize(struct terminal *t, int columns) {
    struct winsize size = {.ws_row = 30, .ws_col = (unsigned short)columns};
    if (t->screen) screen_resize(t->screen, columns);
    ioctl(t->fd, TIOCSWINSZ, &size);
}

static bool read_more(struct terminal *t) {
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    char room[4096];
    ssize_t n = poll(&p, 1, 10000) > 0 ? read(t->fd, room, sizeof room) : 0;
    if (n <= 0) return false;
    buf_put(&t->seen, room, (size_t)n);
    if (t->screen) screen_write(t->screen, room, (size_t)n);
    return true;
}

static void fail_row(const struct terminal *t, int row, const char *text) {
    struct buf all = {0};
    for (int i = 0; i < t->screen->rows; i++) buf_printf(&all, "%2d|%s\n", i, screen_row(t->screen, i));
    fail_msg("row %d is not '%s':\n%s", row, text, buf_text(&all));
}

void terminal_await_row(struct terminal *t, int row, const char *text) {
    while (strcmp(screen_row(t->screen, row), text) != 0)
        if (!read_more(t)) fail_row(t, row, text);
}

void terminal_await(struct terminal *t, const char *text) {
    while (!strstr(buf_text(&t->seen), text))
        if (!read_more(t)) fail_msg("no '%s' on the terminal but:\n%s", text, buf_text(&t->seen));
    const char *after = strstr(t->seen.data, text) + strlen(text);
    t->seen.len -= (size_t)(after - t->seen.data);
    memmove(t->seen.data, after, t->seen.len + 1);
}

void terminal_type(struct terminal *t, const char *keys) {
    assert_true(write(t->fd, keys, strlen(keys)) > 0);
}

void terminal_type_at(struct terminal *t, const char *prompt, const char *keys) {
    terminal_await(t, prompt);
    terminal_type(t, keys);
}

int terminal_finish(struct terminal *t) {
    int status;
    char room[4096];
    while (read(t->fd, room, sizeof room) > 0) {
    }
    waitpid(t->pid, &status, 0);
    close(t->fd);
    buf_free(&t->seen);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
