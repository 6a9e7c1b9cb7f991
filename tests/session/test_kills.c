/* celda killed at random moments while cells print: what was seen is in the journal, whose file is whole, and resuming shows
 * it again. CELDA_KILLS=1000 for more than a few. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "session/journal.h"
#include "support/file.h"
#include "support/mutate.h"
#include "support/test.h"

enum { KILLS = 25, CELLS = 80, LONGEST = 60 /* ms */ };

static const char *notebook;
static struct tally {
    int kills, before, within, between, after; /* the first cell, a cell, two cells, the end */
    size_t torn, output;
} tally;

static int write_notebook(void **state) {
    struct buf text = {0};
    (void)state;
    for (int i = 1; i <= CELLS; i++)
        buf_printf(&text, "-- %%%% Cell %d\nfor i = 1, 50 do print(%d, i, ('x'):rep(i)) end\n{%d}\n\n", i, i, i);
    notebook = strdup(test_file("killed.cells", text.data, text.len));
    buf_free(&text);
    return 0;
}

static int free_notebook(void **state) {
    (void)state;
    print_message(
        "%d kills: %d before the first cell, %d within one, %d between two, %d after the last; %zu bytes seen, "
        "none lost; %zu torn\n",
        tally.kills, tally.before, tally.within, tally.between, tally.after, tally.output, tally.torn);
    free((char *)notebook);
    return 0;
}

static long milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- a child ------------------------------------------------------------------------------------------------------- */

struct child {
    pid_t pid;
    int fd[2]; /* its standard output, its errors */
    struct buf seen[2];
};

static void start(struct child *c, const char *word) {
    const char *binary = getenv("CELDA");
    int out[2], err[2];
    *c = (struct child){0};
    assert_int_equal(pipe(out) | pipe(err), 0);
    c->pid = fork();
    if (c->pid == 0) {
        int null = open("/dev/null", O_RDONLY);
        dup2(null, 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        for (int fd = 3; fd < 64; fd++) close(fd);
        execl(binary ? binary : "./celda", "celda", word, notebook, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    c->fd[0] = out[0];
    c->fd[1] = err[0];
}

/* Reads until the time is up, or (end < 0) until the child has closed both. */
static void watch(struct child *c, long end) {
    struct pollfd p[2] = {{.fd = c->fd[0], .events = POLLIN}, {.fd = c->fd[1], .events = POLLIN}};
    while (p[0].fd >= 0 || p[1].fd >= 0) {
        long left = end < 0 ? 10000 : end - milliseconds();
        if (left <= 0 || poll(p, 2, (int)left) <= 0) break;
        for (int i = 0; i < 2; i++) {
            char room[4096];
            if (p[i].fd < 0 || !p[i].revents) continue;
            ssize_t n = read(p[i].fd, room, sizeof room);
            if (n > 0)
                buf_put(&c->seen[i], room, (size_t)n);
            else
                p[i].fd = -1;
        }
    }
}

/* Its exit status, -1 after a kill. */
static int finish(struct child *c) {
    int status;
    watch(c, -1);
    waitpid(c->pid, &status, 0);
    close(c->fd[0]);
    close(c->fd[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void forget(struct child *c) {
    buf_free(&c->seen[0]);
    buf_free(&c->seen[1]);
}

/* Status lines that came whole: "[3]  1.2 ms ... \n". */
static int count_done(const struct buf *errors) {
    int n = 0;
    const char *end;
    for (const char *line = buf_text(errors); (end = strchr(line, '\n')); line = end + 1) {
        int number;
        double time;
        if (sscanf(line, "[%d]  %lf", &number, &time) == 2) n = number;
    }
    return n;
}

/* ---- what the journal says ------------------------------------------------------------------------------------------- */

struct replay {
    struct sink sink; /* first */
    struct buf out;
    int done, cut;
};

static void on_text(struct sink *s, enum sink_stream stream, const char *bytes, size_t n) {
    if (stream == SINK_OUT) buf_put(&((struct replay *)s)->out, bytes, n);
}

static void on_display(struct sink *s, const struct sink_mime *bundle, int n) {
    assert_int_equal(n, 1);
    on_text(s, SINK_OUT, bundle->data, bundle->size);
    on_text(s, SINK_OUT, "\n", 1);
}

static void on_end(void *arg, const struct journal_cell *c, const struct session_result *r) {
    struct replay *p = arg;
    if (r)
        p->done = c->number;
    else
        p->cut++;
}

/* All that was seen is there; what is there and was not seen is what came last. */
static void check_journal(const struct child *c, struct journal_info *info) {
    struct replay p = {.sink = {.text = on_text, .display = on_display}};
    struct journal_player player = {&p.sink, NULL, on_end, &p};
    struct err e = {0};
    assert_ok(journal_play(info->path, &player, &e), &e);
    assert_true(p.done >= count_done(&c->seen[1]));
    assert_true(p.out.len >= c->seen[0].len);
    assert_memory_equal(buf_text(&p.out), buf_text(&c->seen[0]), c->seen[0].len);
    assert_true(info->clean || info->next == p.done + 1);
    tally.within += p.cut > 0;
    tally.between += p.cut == 0 && !info->clean;
    tally.after += info->clean;
    tally.output += c->seen[0].len;
    tally.torn += info->torn;
    buf_free(&p.out);
}

static void check_resume(const struct child *killed) {
    struct child c;
    start(&c, "resume");
    assert_int_equal(finish(&c), 0);
    assert_non_null(strstr(buf_text(&c.seen[0]), "end of the journal"));
    const char *last = killed->seen[0].len ? strrchr(killed->seen[0].data, '\t') : NULL;
    if (last && strchr(last, '\n')) { /* the end of the last line seen */
        char word[128];
        snprintf(word, sizeof word, "%.*s", (int)strcspn(last, "\n"), last);
        assert_non_null(strstr(buf_text(&c.seen[0]), word));
    }
    forget(&c);
}

static void kill_once(unsigned *seed) {
    struct child c;
    struct journal_info info;
    start(&c, "run");
    watch(&c, milliseconds() + (long)(mutate_random(seed) % LONGEST));
    kill(c.pid, SIGKILL);
    finish(&c);
    if (journal_find_last(notebook, &info)) {
        check_journal(&c, &info);
        check_resume(&c);
        unlink(info.path);
    } else {
        assert_int_equal(c.seen[0].len, 0);
        tally.before++;
    }
    tally.kills++;
    forget(&c);
}

static void test_kills(void **state) {
    const char *wanted = getenv("CELDA_KILLS");
    unsigned seed = 200;
    (void)state;
    for (int i = wanted ? atoi(wanted) : KILLS; i > 0; i--) kill_once(&seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kills)};
    return cmocka_run_group_tests(tests, write_notebook, free_notebook);
}
