/* See terminal.h. */
#include "support/terminal.h"

#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

void terminal_start(struct terminal *t, int columns, const char *first, const char *second) {
    struct winsize size = {.ws_row = 30, .ws_col = (unsigned short)columns};
    const char *binary = getenv("CELDA");
    t->seen = (struct buf){0};
    t->pid = forkpty(&t->fd, NULL, NULL, &size);
    if (t->pid < 0) {
        print_message("skipped: this machine gives no pseudo-terminal\n");
        skip();
    }
    if (t->pid == 0) {
        setenv("TERM", "xterm", 1);
        setenv("NO_COLOR", "1", 1);
        execl(binary ? binary : "./celda", "celda", first, second, (char *)NULL);
        _exit(127);
    }
}

void terminal_await(struct terminal *t, const char *text) {
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    char room[4096];
    while (!strstr(buf_text(&t->seen), text)) {
        ssize_t n = poll(&p, 1, 10000) > 0 ? read(t->fd, room, sizeof room) : 0;
        if (n <= 0) fail_msg("no '%s' on the terminal but:\n%s", text, buf_text(&t->seen));
        buf_put(&t->seen, room, (size_t)n);
    }
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
