/* How long the prompt lets one wait, on a pseudo-terminal: from a key to its echo, from Tab to what fits among 10,000
 * globals, from the start on a notebook of 1000 cells to the first prompt. Argument: the binary. */
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum { KEYS = 1000, TABS = 100, STARTS = 20, GLOBALS = 10000, CELLS = 1000 };

struct terminal {
    int fd;
    pid_t pid;
    struct buf seen; /* since the last wait */
};

static void fail(const char *what, const struct terminal *t) {
    fprintf(stderr, "latency: %s; the terminal shows:\n%s\n", what, buf_text(&t->seen));
    exit(1);
}

static void start(struct terminal *t, const char *binary, const char *notebook) {
    const struct winsize size = {.ws_row = 40, .ws_col = 100};
    t->seen = (struct buf){0};
    t->pid = forkpty(&t->fd, NULL, NULL, &size);
    if (t->pid == 0) {
        setenv("TERM", "xterm", 1);
        execl(binary, "celda", notebook, (char *)NULL);
        _exit(127);
    }
    if (t->pid < 0) fail("there is no pseudo-terminal", t);
}

static void await(struct terminal *t, const char *text) {
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    char room[65536];
    while (!strstr(buf_text(&t->seen), text)) {
        const ssize_t n = poll(&p, 1, 10000) > 0 ? read(t->fd, room, sizeof room) : 0;
        if (n <= 0) fail(text, t);
        buf_put(&t->seen, room, (size_t)n);
    }
    const char *after = strstr(t->seen.data, text) + strlen(text);
    t->seen.len -= (size_t)(after - t->seen.data);
    memmove(t->seen.data, after, t->seen.len + 1);
}

static void type(struct terminal *t, const char *keys) {
    buf_free(&t->seen);
    if (write(t->fd, keys, strlen(keys)) < 0) fail("it takes no keys", t);
}

static void end(struct terminal *t) {
    type(t, "\003");
    await(t, "^C");
    await(t, ":");
    type(t, "\004");
    waitpid(t->pid, NULL, 0);
    close(t->fd);
    buf_free(&t->seen);
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, double *seconds, int n, double limit) {
    qsort(seconds, (size_t)n, sizeof *seconds, by_size);
    const double p99 = seconds[(n * 99 + 99) / 100 - 1];
    printf("%-44s median %6.2f ms, p99 %6.2f ms, limit %.0f ms%s\n", what, 1e3 * seconds[n / 2], 1e3 * p99, 1e3 * limit,
           p99 > limit ? ": TOO LONG" : "");
}

/* Letters of a cell of several lines, so that there is something to colour. */
static void measure_keys(const char *binary) {
    static const char line[] = "local x = f(1, \"a\") + {y, z} -- and so it goes on and on....";
    static double seconds[KEYS];
    struct terminal t;
    start(&t, binary, NULL);
    await(&t, "]:");
    type(&t, "if a then\r");
    await(&t, "...:");
    for (int i = 0; i < KEYS; i++) {
        const char key[2] = {line[i % (int)(sizeof line - 1)], 0};
        const double begin = clock_now();
        type(&t, key);
        await(&t, key);
        seconds[i] = clock_now() - begin;
        if ((i + 1) % (int)(sizeof line - 1) == 0) {
            type(&t, "\r");
            await(&t, "...:");
        }
    }
    end(&t);
    report("a key to its echo", seconds, KEYS, 0.005);
}

static void measure_tabs(const char *binary) {
    static double seconds[TABS];
    struct terminal t;
    char code[200];
    start(&t, binary, NULL);
    await(&t, "]:");
    snprintf(code, sizeof code, "for i = 1, %d do _G['name' .. i] = i end\r", GLOBALS);
    type(&t, code);
    await(&t, "[2]");
    type(&t, "name7");
    await(&t, "7");
    for (int i = 0; i < TABS; i++) {
        const double begin = clock_now();
        type(&t, "\t");
        await(&t, "more\r\n");
        await(&t, "name7");
        seconds[i] = clock_now() - begin;
    }
    end(&t);
    report("Tab among 10,000 globals", seconds, TABS, 0.030);
}

static void measure_starts(const char *binary) {
    static double seconds[STARTS];
    char path[] = "/tmp/celda-latency-XXXXXX.cells";
    struct terminal t;
    const int fd = mkstemps(path, 6);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f) exit(1);
    for (int i = 0; i < CELLS; i++) fprintf(f, "-- %%%% Cell %d\nlocal x%d = %d\nprint(x%d)\n\n", i, i, i, i);
    fclose(f);
    for (int i = 0; i < STARTS; i++) {
        const double begin = clock_now();
        start(&t, binary, path);
        await(&t, "in 1:");
        seconds[i] = clock_now() - begin;
        end(&t);
    }
    unlink(path);
    report("start on a notebook of 1000 cells", seconds, STARTS, 0.050);
}

int main(int argc, char **argv) {
    const char *binary = argc > 1 ? argv[1] : "./celda";
    measure_keys(binary);
    measure_tabs(binary);
    measure_starts(binary);
    return 0;
}
