/* Sessions without a terminal: they run on, whoever attaches sees what was printed meanwhile and takes over. */
#include <dirent.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front/detach/detach.h"
#include "support/file.h"
#include "support/terminal.h"
#include "support/test.h"

static char notebook[512], runtime[512];

static int set_up(void **state) {
    static const char text[] =
        "-- %%\nx = 6 * 7 print('first', x)\n\n"
        "-- %%\nfor i = 1, 5 do print('tick', i) os.execute('sleep 0.1') end\nprint('all done')\n";
    (void)state;
    snprintf(runtime, sizeof runtime, "%s", test_path("runtime"));
    snprintf(notebook, sizeof notebook, "%s", test_file("detached.cells", text, sizeof text - 1));
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    setenv("TERM", "xterm", 1);
    setenv("NO_COLOR", "1", 1);
    return mkdir(runtime, 0700);
}

/* What a failed test left running ends: without its keeper a session has no terminal. */
static int tear_down(void **state) {
    char path[600];
    struct err e = {0};
    struct ucred keeper;
    socklen_t n = sizeof keeper;
    int fd;
    (void)state;
    if (detach_socket_path(notebook, path, sizeof path, &e) || detach_connect(path, &fd, &e)) return 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &keeper, &n) == 0) kill(keeper.pid, SIGTERM);
    return close(fd);
}

/* "celda ARGS NOTEBOOK" in a shell: its exit status, and what it says. */
static int celda(const char *args, struct buf *out) {
    char command[1200], room[1024];
    const char *binary = getenv("CELDA");
    size_t n;
    buf_free(out);
    snprintf(command, sizeof command, "%s %s %s 2>&1", binary ? binary : "./celda", args, notebook);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    while ((n = fread(room, 1, sizeof room, p)) > 0) buf_put(out, room, n);
    return WEXITSTATUS(pclose(p));
}

static void expect(const char *args, int status, const char *text) {
    struct buf out = {0};
    int got = celda(args, &out);
    if (got != status || !strstr(buf_text(&out), text))
        fail_msg("celda %s: status %d, no '%s' in:\n%s", args, got, text, buf_text(&out));
    buf_free(&out);
}

/* The one socket in the runtime folder, whose folder and itself are the user's alone. */
static void check_socket(void) {
    char folder[600], path[900] = "";
    struct stat st;
    snprintf(folder, sizeof folder, "%s/celda", runtime);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (const struct dirent *f; (f = readdir(d));)
        if (f->d_name[0] != '.') snprintf(path, sizeof path, "%s/%s", folder, f->d_name);
    closedir(d);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void attach(struct terminal *t) {
    terminal_start(t, 80, "attach", notebook);
}

static void leave(struct terminal *t) {
    terminal_type(t, "\034");
    terminal_await(t, "(detached; the session goes on)");
    assert_int_equal(terminal_finish(t), 0);
}

static void test_runs_on_and_is_attached(void **state) {
    struct terminal t, other;
    int keeper, session;
    (void)state;
    if (openpty(&keeper, &session, NULL, NULL, NULL)) {
        expect("--detach", 1, "no pseudo-terminal can be had");
        skip();
    }
    close(keeper);
    close(session);
    expect("attach", 1, "no session with");
    expect("--detach", 0, "runs, detached");
    expect("--detach", 1, "runs detached already");
    expect("attach </dev/null", 1, "needs a terminal");
    check_socket();
    attach(&t);
    terminal_await(&t, "first\t42");
    leave(&t);
    usleep(800000);                         /* nobody looks on */
    terminal_start(&t, 80, notebook, NULL); /* offers to attach */
    terminal_await(&t, "A session with this notebook runs detached.");
    terminal_type_at(&t, "[Y/n] ", "\r");
    terminal_await(&t, "tick\t5");
    terminal_await(&t, "all done");
    expect("--detach", 1, "runs detached already"); /* to ask is not to take over */
    terminal_type_at(&t, "in 2: ", "y = x + 1 y\r");
    terminal_await(&t, "43\r\n");
    terminal_await(&t, "in 3: ");
    attach(&other); /* takes over, and sees the last lines */
    terminal_await(&t, "(the session was attached elsewhere)");
    assert_int_equal(terminal_finish(&t), 0);
    terminal_type_at(&other, "in 3: ", "while true do local t = {} end\r"); /* allocates, as in test_fronts */
    usleep(200000);
    terminal_type(&other, "\003");
    terminal_await(&other, "KeyboardInterrupt");
    terminal_type_at(&other, "in 4: ", "\004");
    terminal_await(&other, "(the session has ended)");
    assert_int_equal(terminal_finish(&other), 0);
    expect("attach", 1, "no session with");
}

static void test_wrong_words(void **state) {
    (void)state;
    expect("attach a", 2, "usage: celda attach");
    expect("--detach a", 2, "usage: celda --detach");
    expect("--detach /nowhere.cells 2>&1 #", 1, "cannot open '/nowhere.cells'");
    setenv("XDG_RUNTIME_DIR", "/proc", 1);
    expect("--detach", 1, "cannot make the folder '/proc/celda'");
    setenv("XDG_RUNTIME_DIR", runtime, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_on_and_is_attached),
        cmocka_unit_test(test_wrong_words),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
