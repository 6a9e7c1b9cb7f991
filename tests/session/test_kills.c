/* celda killed at random moments, while cells print and while they train, checkpoint and save: what was seen is in the
 * journal, whose file is whole; resuming shows it again, with variables as of a checkpoint no older than the last one that
 * was reported; and a saved file is whole or as it was. CELDA_KILLS=1000 for more than a few. */
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

enum { KILLS = 25, CELLS = 80, LONGEST = 60 /* ms */, STEPS = 12, LONGEST_STEPS = 100 };

static char printing[512], training[512], saved[512]; /* notebooks, and what the second saves */
static const char *notebook;
static struct tally {
    int kills, before, within, between, after; /* the first cell, a cell, two cells, the end */
    size_t torn, output;
    int checkpoints, saves; /* that were reported before the kills */
} tally;

static void write_printing(void) {
    struct buf text = {0};
    for (int i = 1; i <= CELLS; i++)
        buf_printf(&text, "-- %%%% Cell %d\nfor i = 1, 50 do print(%d, i, ('x'):rep(i)) end\n{%d}\n\n", i, i, i);
    snprintf(printing, sizeof printing, "%s", test_file("killed.cells", text.data, text.len));
    buf_free(&text);
}

/* Each cell's variables say how many cells there were: n, all of t, the model's iterations. */
static void write_training(void) {
    struct buf text = {0};
    snprintf(saved, sizeof saved, "%s", test_path("killed.celda"));
    buf_puts(&text, "-- %%\nn = 0\nmodel = keras.Sequential{keras.layers.Dense(8, {input_shape = {4}}),"
                    " keras.layers.Dense(1)}\nmodel:compile{optimizer = 'adam', loss = 'mse'}\n\n");
    for (int i = 1; i <= STEPS; i++)
        buf_printf(&text,
                   "-- %%%%\nmodel:fit(tensor.ones({64, 4}), tensor.ones({64, 1}), {batch_size = 64, verbose = 0})\n"
                   "n = n + 1\nt = tensor.full({20000}, n)\n-- %%checkpoint\n-- %%save %s\n\n",
                   saved);
    snprintf(training, sizeof training, "%s", test_file("training.cells", text.data, text.len));
    buf_free(&text);
}

static int write_notebooks(void **state) {
    (void)state;
    write_printing();
    write_training();
    return 0;
}

static int report(void **state) {
    (void)state;
    print_message(
        "%d kills: %d before the first cell, %d within one, %d between two, %d after the last; %zu bytes seen, "
        "none lost; %zu torn; %d checkpoints and %d saves reported, all there\n",
        tally.kills, tally.before, tally.within, tally.between, tally.after, tally.output, tally.torn,
        tally.checkpoints, tally.saves);
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

/* celda with two words; `input` is the file that is its standard input. */
static void start(struct child *c, const char *word, const char *file, const char *input) {
    const char *binary = getenv("CELDA");
    int out[2], err[2];
    *c = (struct child){0};
    assert_int_equal(pipe(out) | pipe(err), 0);
    c->pid = fork();
    if (c->pid == 0) {
        int in = open(input, O_RDONLY);
        dup2(in, 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        for (int fd = 3; fd < 64; fd++) close(fd);
        execl(binary ? binary : "./celda", "celda", word, file, (char *)NULL);
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
    start(&c, "resume", notebook, "/dev/null");
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
    start(&c, "run", notebook, "/dev/null");
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
    notebook = printing;
    for (int i = wanted ? atoi(wanted) : KILLS; i > 0; i--) kill_once(&seed);
}

/* ---- checkpoints and saved files ------------------------------------------------------------------------------------- */

static int count(const struct buf *text, const char *word) {
    int n = 0;
    for (const char *at = buf_text(text); (at = strstr(at, word)); at++) n++;
    return n;
}

/* The state that a session prints as "state N T I": all three are the same count, which is `least` or more. */
static void check_state(const struct child *c, int least) {
    int n = 0, t = 0, iterations = 0;
    const char *at = strstr(buf_text(&c->seen[0]), "state\t");
    if (!at || sscanf(at, "state\t%d\t%d\t%d", &n, &t, &iterations) != 3)
        fail_msg("no state in:\n%s%s", buf_text(&c->seen[0]), buf_text(&c->seen[1]));
    if (n < least || t != n || iterations != n)
        fail_msg("n %d, t %d, iterations %d where %d were reported", n, t, iterations, least);
}

static const char ask[] = "local i = n or 0 print('state', i, i > 0 and t:min():item() == t:max():item() and "
                          "t[1]:item() or 0, i > 0 and model.optimizer.iterations:item() or 0)\n";

static void check_checkpoint(const struct child *killed) {
    struct child c;
    int reported = count(&killed->seen[0], "checkpoint written");
    start(&c, "resume", notebook, test_file("ask.lua", ask, sizeof ask - 1));
    assert_int_equal(finish(&c), 0);
    check_state(&c, reported);
    tally.checkpoints += reported;
    forget(&c);
}

static void check_saved(const struct child *killed) {
    struct child c;
    char code[1024];
    int reported = count(&killed->seen[0], "saved ");
    if (reported == 0) return;
    snprintf(code, sizeof code, "-- %%load %s\n%s", saved, ask);
    start(&c, "-e", code, "/dev/null");
    assert_int_equal(finish(&c), 0);
    check_state(&c, reported);
    tally.saves += reported;
    forget(&c);
}

static void kill_while_saving(unsigned *seed) {
    struct child c;
    struct journal_info info;
    struct err e = {0};
    unlink(saved);
    start(&c, "run", notebook, "/dev/null");
    watch(&c, milliseconds() + (long)(mutate_random(seed) % LONGEST_STEPS));
    kill(c.pid, SIGKILL);
    finish(&c);
    if (journal_find_last(notebook, &info)) {
        if (!info.clean) check_checkpoint(&c);
        assert_ok(journal_give_up(info.path, &e), &e);
        unlink(info.path);
    }
    check_saved(&c);
    tally.kills++;
    forget(&c);
}

static void test_kills_while_saving(void **state) {
    const char *wanted = getenv("CELDA_KILLS");
    unsigned seed = 200;
    (void)state;
    notebook = training;
    for (int i = wanted ? atoi(wanted) : KILLS; i > 0; i--) kill_while_saving(&seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kills), cmocka_unit_test(test_kills_while_saving)};
    return cmocka_run_group_tests(tests, write_notebooks, report);
}
