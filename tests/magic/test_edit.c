/* Changing the open notebook: its file, states and names of cells, undoing, changes from outside, and what cannot be
 * written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "magic/change.h"
#include "support/file.h"
#include "support/host.h"
#include "support/test.h"

static const char text[] = "-- ---\n-- title: T\n-- ---\n\n-- %% [markdown]\n-- # Title\n\n"
                           "--  %%   Data device=\"cpu\"\nx = 1 -- kept   as it is\n\n\n"
                           "-- %% Double\ny = x * 2\nz = y\n\n-- %% [markdown]\n-- text\n\n-- %% Last\nlast = z";

static struct host host;
static struct magic_notebook nb;
static char path[300];

/* What the user answers, one after another; "" ends it. */
static const char *answers[4];
static int asked;

static bool ask(struct magic_notebook *self, const char *question, char *answer, size_t size) {
    (void)self;
    host.sink.text(&host.sink, SINK_OUT, question, strlen(question));
    if (!answers[asked]) return false;
    snprintf(answer, size, "%s", answers[asked++]);
    return true;
}

static void answer(const char *first, const char *second) {
    answers[0] = first;
    answers[1] = second;
    asked = 0;
}

static enum status run_cell(struct magic_notebook *self, int n) {
    struct session_result r;
    char name[16];
    const struct cell *c = &self->notebook->cells[magic_cell_index(self, n)];
    snprintf(name, sizeof name, "[%d]", n);
    self->running++;
    session_run(host.session, c->source, c->size, name, &r);
    self->running--;
    self->state[n - 1].progress = r.status ? MAGIC_FAILED : MAGIC_DONE;
    if (r.status) host.sink.text(&host.sink, SINK_OUT, buf_text(&r.error), r.error.len);
    buf_free(&r.error);
    self->next = n + 1;
    return r.status;
}

static void put_file(const char *content) {
    test_file("nb.cells", content, strlen(content));
}

static void expect_file(const char *name, const char *expected) {
    struct err e = {0};
    struct buf b = {0};
    assert_ok(buf_read_file(&b, name, &e), &e);
    assert_string_equal(buf_text(&b), expected);
    buf_free(&b);
}

static int open_notebook(void **state) {
    struct err e = {0};
    (void)state;
    setenv("TMPDIR", test_path(""), 1);
    put_file(text);
    snprintf(path, sizeof path, "%s", test_path("nb.cells"));
    host_open(&host);
    host.cells = 100;
    nb = (struct magic_notebook){.run_cell = run_cell, .ask = ask};
    answer(NULL, NULL);
    assert_ok(magic_notebook_open(&nb, path, &e), &e);
    session_set_magic(host.session, magic_run_line, &nb);
    return session_keep_undo(host.session, 1 << 24, &e);
}

static int close_notebook(void **state) {
    (void)state;
    host_close(&host);
    magic_notebook_close(&nb);
    return 0;
}

static void shows(const char *source, const char *part) {
    if (host_run(&host, source)) fail_msg("%s failed:\n%s", source, buf_text(&host.out));
    if (!strstr(buf_text(&host.out), part)) fail_msg("%s shows no '%s':\n%s", source, part, buf_text(&host.out));
}

/* The lines of %list up to their titles' first letters: "1Data" for a cell that is done. */
static void states(const char *expected) {
    struct buf out = {0};
    for (int n = 1; n <= nb.count; n++) {
        const struct cell *c = &nb.notebook->cells[magic_cell_index(&nb, n)];
        buf_printf(&out, "%s%s%s ", n == nb.next ? ">" : "", *c->title ? c->title : c->source,
                   nb.state[n - 1].progress == MAGIC_DONE     ? "+"
                   : nb.state[n - 1].progress == MAGIC_FAILED ? "!"
                                                              : "");
    }
    if (nb.next > nb.count) buf_puts(&out, ">");
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
}

static void refresh(const char *expected) {
    struct err e = {0};
    buf_free(&host.out);
    change_refresh(host.session, &nb, &e);
    buf_puts(&host.out, e.text);
    if (strncmp(buf_text(&host.out), expected, strlen(expected)) != 0 || !*expected != !host.out.len)
        fail_msg("'%s' expected:\n%s", expected, buf_text(&host.out));
}

/* ---- the magics ------------------------------------------------------------------------------------------------------ */

#define HEAD "-- ---\n-- title: T\n-- ---\n\n-- %% [markdown]\n-- # Title\n\n"
#define DATA "--  %%   Data device=\"cpu\"\nx = 1 -- kept   as it is\n\n\n"
#define DOUBLE "-- %% Double\ny = x * 2\nz = y\n\n"
#define TEXT "-- %% [markdown]\n-- text\n\n"
#define LAST "-- %% Last\nlast = z"

static void inserting(void **state) {
    (void)state;
    shows("%run 1-2", "");
    states("Data+ Double+ >Last ");
    shows("%insert", "[3] is new; %edit 3 writes it\n");
    expect_file(path, HEAD DATA DOUBLE "-- %%\n\n" TEXT LAST);
    states("Data+ Double+ > Last ");
    shows("%%insert 2\nw = 1\n%time w", "[2] is new\n");
    states("Data+ w = 1\n-- %time w Double+ > Last ");
    shows("%insert 5 markdown", "text above [5] is new; %edit 5 markdown changes it\n");
    shows("%%insert 6\nend_ = 1", "[6] is new\n");
    expect_file(path, HEAD DATA "-- %%\nw = 1\n-- %time w\n\n" DOUBLE "-- %%\n\n" TEXT "-- %% [markdown]\n--\n\n" LAST
                                "\n\n-- %%\nend_ = 1\n");
    host_fails(&host, "%insert 9", "'9' is no cell of this notebook: they are numbered 1 to 6");
    host_fails(&host, "%insert here", "what is 'here'? A cell's number, or markdown");
}

static void breakpoints_follow_their_cells(void **state) {
    (void)state;
    shows("%break 2", "");
    shows("%%insert 1\nw = 1", "[1] is new");
    shows("%break", "[3]\n");
    shows("%run", "breakpoint at [3]\n");
    states("w = 1+ Data+ >Double Last ");
    shows("%delete 3", "");
    shows("%break", "no breakpoints\n");
    shows("%undo edit", "");
    shows("%break", "[3]\n");
}

static void names_follow_their_cells(void **state) {
    (void)state;
    shows("%run", "");
    shows("%move 1 3", "[1] is [3] now\n");
    states("Double+ Last+ Data+ >");
    expect_file(path, HEAD DOUBLE TEXT LAST "\n\n--  %%   Data device=\"cpu\"\nx = 1 -- kept   as it is\n");
    shows("%why z", "z: [1], ");
    shows("%why z", ", from x\n  x: [3], ");
    shows("%ledger", "[3]");
    shows("%undo", "[2] is taken back");
    states("Double+ >Last Data+ ");
    shows("%redo", "");
    shows("%delete 1", "[1] is deleted; %undo edit brings it back\n");
    states("Last+ >Data+ ");
    shows("%why last", "z: former [1], ");
    shows("%undo edit", "the notebook is as before");
    states("Double+ Last+ >Data+ ");
    shows("%why last", ", from z\n  z: [1], ");
    shows("%redo edit", "the notebook is changed again");
    states("Last+ >Data+ ");
    shows("%undo edit", "");
    shows("%undo edit", "");
    expect_file(path, text);
    host_fails(&host, "%undo edit", "the notebook was not changed");
    host_fails(&host, "%undo everything", "what is 'everything'? %undo edit");
}

static void splitting_and_merging(void **state) {
    struct magic_stale found[4];
    struct err e = {0};
    (void)state;
    shows("%run 1-2", "");
    shows("%split 2 2", "[2] is split: from line 2 on it is [3]\n");
    expect_file(path, HEAD DATA "-- %% Double\ny = x * 2\n\n-- %%\nz = y\n\n" TEXT LAST);
    states("Data+ Double+ >z = y Last ");
    assert_ok(magic_find_stale(host.session, &nb, found, &e), &e);
    assert_int_equal(found[1].kind, MAGIC_EDITED);
    shows("%merge 1 3", "[1] to [3] are [1] now\n");
    expect_file(path, HEAD "-- %% Data device=\"cpu\"\nx = 1 -- kept   as it is\n\ny = x * 2\n\nz = y\n\n" TEXT LAST);
    host_fails(&host, "%merge 1", "there is text between [1] and [2]");
    host_fails(&host, "%merge 2", "there is no cell after [2]");
    host_fails(&host, "%merge 2 1", "[2] does not stand before [1]");
    host_fails(&host, "%split 1 1", "[1] cannot be split before line 1");
    host_fails(&host, "%split 1 99", "[1] cannot be split before line 99");
    host_fails(&host, "%split 1", "before which line? %split N LINE");
    shows("%delete 2 markdown", "the text above [2] is deleted");
    shows("%merge 1", "[1] to [2] are [1] now\n");
    shows("%split 1 3", "");
    assert_string_equal(cell_device(&nb.notebook->cells[magic_cell_index(&nb, 2)]), "cpu");
}

static void editing(void **state) {
    (void)state;
    unsetenv("VISUAL");
    shows("%run", "");
    setenv("EDITOR", "sed -i s/2/3/", 1);
    shows("%edit 2", "[2] is changed; %run 2 runs it\n");
    expect_file(path, HEAD DATA "-- %% Double\ny = x * 3\nz = y\n\n" TEXT LAST);
    shows("%list", "~ [2] Double  (stale: edited since it ran)");
    shows("%edit 2", "nothing was changed\n");
    setenv("VISUAL", "echo 'new = 1\n-- %% More\nmore = 2' >", 1);
    shows("%edit", "[4] is new; Enter runs it\n"); /* behind the last cell; a marker begins one more */
    states("Data+ Double+ Last+ >new = 1 More ");
    setenv("VISUAL", "echo other >", 1);
    shows("%edit 3 markdown", "text above [3] is changed\n");
    host_fails(&host, "%edit 4 markdown", "there is no text right above [4]; %insert 4 markdown makes some");
    expect_file(path, HEAD DATA "-- %% Double\ny = x * 3\nz = y\n\n-- %% [markdown]\n-- other\n\n" LAST
                                "\n\n-- %%\nnew = 1\n-- %% More\nmore = 2\n");
}

static void editors_that_fail(void **state) {
    (void)state;
    unsetenv("VISUAL");
    setenv("EDITOR", "false", 1);
    host_fails(&host, "%edit 1", "the editor 'false' ended with status 1");
    setenv("EDITOR", "no-such-editor", 1);
    host_fails(&host, "%edit 1", "there is no editor 'no-such-editor'");
    setenv("EDITOR", "kill -9 $$ #", 1);
    host_fails(&host, "%edit 1", "was ended by signal 9\n");
    setenv("EDITOR", "f() { echo changed >$1; return 3; }; f", 1);
    host_fails(&host, "%edit 1", "ended with status 3; what it had saved is in /");
    setenv("EDITOR", " ", 1);
    host_fails(&host, "%edit 1", "EDITOR is set, but empty");
    setenv("EDITOR", "true", 1);
    setenv("TMPDIR", "/nowhere", 1);
    host_fails(&host, "%edit 1", "no file for the editor: '/nowhere/celda-");
    expect_file(path, text);
}

/* A cell that runs stands in the notebook that it would change. */
static void a_running_cell_changes_nothing(void **state) {
    (void)state;
    shows("%%insert 1\n%delete 2", "");
    host_fails(&host, "%run 1", "a cell of the notebook cannot change it while it runs");
    states("-- %delete 2! >Data Double Last ");
}

/* ---- from outside ---------------------------------------------------------------------------------------------------- */

static void changes_on_disk_are_taken_over(void **state) {
    (void)state;
    refresh("");
    shows("%run", "");
    put_file(HEAD DATA "-- %%\nnew = 1\n-- %% Double\ny = x * 4\n\n-- %% [markdown]\n-- text, too\n\n" LAST
                       "\n-- %% End\n");
    refresh("nb.cells changed on disk: cell 3; new cells 2, 5; text\n");
    states("Data+ new = 1 Double+ Last+ >End ");
    refresh("");
    put_file(HEAD LAST "\n" DATA);
    refresh("nb.cells changed on disk: 4 deleted; another order\n");
    states("Last+ Data+ >");
    put_file(HEAD LAST "\n\n" DATA);
    refresh("nb.cells changed on disk: blank lines\n");
    shows("%undo edit", "");
    shows("%undo edit", "");
    states("Data+ new = 1 Double+ Last+ >End ");
}

static void while_a_conflict_lasts_nothing_is_overwritten(void **state) {
    static const char theirs[] = "-- %% Data\nx = 99\n";
    char rescued[PATH_MAX], found[PATH_MAX];
    (void)state;
    put_file(theirs);
    host_fails(&host, "%delete 3",
               "nb.cells was changed by another program (cell 1; 4 deleted) and here (1 deleted).\n"
               "Take [t]heirs, keep [m]ine, or write mine to another [f]ile? ");
    assert_non_null(strstr(buf_text(&host.out), "nothing is overwritten."));
    assert_true(nb.notebook->changed);
    expect_file(path, theirs);
    snprintf(rescued, sizeof rescued, "%s", nb.changes->rescued);
    assert_false(change_find_rescued(&nb, found, sizeof found)); /* this session's own */
    expect_file(rescued, HEAD DATA DOUBLE "-- %% [markdown]\n-- text\n");
    refresh(""); /* nobody is asked again until something happens */
    nb.ask = NULL;
    host_fails(&host, "%delete 2", "nothing is overwritten.");
    nb.ask = ask;
    answer("x", "t");
    shows("%undo edit", "the notebook is as on the disk; %undo edit brings yours back\n");
    assert_null(strstr(buf_text(&host.out), "as before"));
    states(">Data ");
    assert_false(nb.notebook->changed);
    expect_file(path, theirs);
}

static void a_conflict_is_settled_as_the_user_says(void **state) {
    char other[300];
    (void)state;
    snprintf(other, sizeof other, "%s", test_path("other.cells"));
    put_file("-- %%\nx = 99\n");
    answer("m", NULL);
    shows("%delete 3", "[3] is deleted");
    expect_file(path, HEAD DATA DOUBLE "-- %% [markdown]\n-- text\n");
    shows("%undo edit", "");
    expect_file(path, "-- %%\nx = 99\n");
    put_file("-- %%\nx = 98\n");
    answer("f", path);
    host_fails(&host, "%%insert\nmine = 1", "was changed by another program as well, and '");
    answer("f", NULL);
    host_fails(&host, "%write", "was changed by another program as well, and no name was given; nothing is");
    answer("f", other);
    put_file("-- %%\nx = 97\n");
    refresh("nb.cells was changed by another program (cell 1) and here (new cell 1)");
    expect_file(other, "-- %%\nmine = 1\n\n-- %%\nx = 99\n");
    expect_file(path, "-- %%\nx = 97\n");
    states(">x = 97 ");
}

static void changes_that_go_together_are_put_together(void **state) {
    (void)state;
    shows("%run", "");
    put_file(HEAD DATA "-- %% Double\ny = x * 5\nz = y\n\n" TEXT LAST "\n-- %% More\n");
    setenv("VISUAL", "echo x = 2 >", 1);
    answer("b", NULL);
    shows("%edit 1", "Take [t]heirs, keep [m]ine, take [b]oth, or write mine to another [f]ile? [1] is changed");
    expect_file(path, HEAD "-- %% Data device=\"cpu\"\nx = 2\n\n-- %% Double\ny = x * 5\nz = y\n\n" TEXT LAST
                           "\n-- %% More\n");
    states("Data+ Double+ Last+ >More ");
    shows("%undo edit", ""); /* theirs alone */
    expect_file(path, HEAD DATA "-- %% Double\ny = x * 5\nz = y\n\n" TEXT LAST "\n-- %% More\n");
    put_file(HEAD "-- %% Data\nx = 3\n");
    answer("b", "t");
    shows("%edit 1", "Take [t]heirs, keep [m]ine, or write mine to another [f]ile? ");
    expect_file(path, HEAD "-- %% Data\nx = 3\n");
}

/* ---- what cannot be written ------------------------------------------------------------------------------------------ */

static void a_full_disk_keeps_the_change(void **state) {
    (void)state;
    file_fail(1, ENOSPC);
    host_fails(&host, "%delete 1", "No space left on device");
    assert_non_null(strstr(buf_text(&host.out), "Not saved, and kept in this session alone (cannot write '"));
    file_fail(0, 0);
    assert_true(nb.notebook->changed);
    states(">Double Last ");
    expect_file(path, text);
    shows("%delete 1", "[1] is deleted");
    assert_false(nb.notebook->changed);
    expect_file(path, HEAD TEXT LAST);
}

/* Each call to the system fails, and all after it: the file is the old one or the new one, and the session knows which. */
static void each_call_of_saving_fails(void **state) {
    static const int errors[] = {ENOSPC, EACCES, EIO};
    (void)state;
    for (int k = 0; k < 3; k++) {
        for (unsigned n = 1, seen = n; n <= seen; n++) {
            file_fail(n, errors[k]);
            host_run(&host, "%delete 3");
            seen = file_fail(0, 0);
            assert_int_equal(nb.count, 2);
            assert_true(n > 1 || nb.notebook->changed);
            expect_file(path, nb.notebook->changed ? text : nb.notebook->text);
            shows("%undo edit", "");
            expect_file(path, text);
        }
    }
}

static void another_file_goes_on_with_the_cells(void **state) {
    char other[300], command[400];
    (void)state;
    snprintf(other, sizeof other, "%s", test_path("copy.cells"));
    unlink(other);
    shows("%run 1", "");
    file_fail(1, ENOSPC);
    host_fails(&host, "%delete 3", "Not saved, and kept in this session alone");
    file_fail(0, 0);
    snprintf(command, sizeof command, "%%write %.*s", (int)strlen(other) - 6, other);
    shows(command, "copy.cells is written: 2 cells\n");
    expect_file(other, HEAD DATA DOUBLE "-- %% [markdown]\n-- text\n");
    expect_file(path, text);
    states("Data+ >Double ");
    shows("%delete 2", "");
    expect_file(other, HEAD DATA "-- %% [markdown]\n-- text\n");
    shows("%write", "copy.cells is saved\n");
    snprintf(command, sizeof command, "%%write %s", path);
    host_fails(&host, command, "exists, and is left as it is");
    answer("y", NULL);
    shows(command, "is written: 1 cell\n");
    expect_file(path, HEAD DATA "-- %% [markdown]\n-- text\n");
    host_fails(&host, "%write /nowhere/x", "cannot write '/nowhere/x.cells'");
}

static void type(const char *source) {
    session_add_input(host.session, source, strlen(source));
    host_run(&host, source);
}

static void inputs_become_a_notebook(void **state) {
    char command[400];
    (void)state;
    magic_notebook_close(&nb);
    host.cells = 0;
    unlink(path);
    type("x = 1");
    type("%time y = x + 1");
    type("error('no')");
    session_add_input(host.session, "%write", 6);
    host_fails(&host, "%list", "%list needs an open notebook");
    host_fails(&host, "%write", "under which name?");
    host_fails(&host, "%write /nowhere/x", "cannot write '/nowhere/x.cells'");
    snprintf(command, sizeof command, "%%write %s", path);
    shows(command, "is written: 3 cells\n");
    expect_file(path, "-- %%\nx = 1\n\n-- %%\n-- %time y = x + 1\n\n-- %%\nerror('no')\n");
    states("x = 1+ -- %time y = x + 1+ error('no')! >");
    shows("x = 2", "");
    shows("%list", "~ [2] -- %time y = x + 1  (stale: x was changed by [8])");
    snprintf(command, sizeof command, "%%new %s", path);
    host_fails(&host, command, "exists: celda ");
    snprintf(command, sizeof command, "%%new %s", test_path("new"));
    unlink(test_path("new.cells"));
    shows(command, "new.cells is new\n");
    states(">");
    shows("%why y", "y: former [2], ");
    setenv("VISUAL", "echo first = 1 >", 1);
    shows("%edit", "[1] is new; Enter runs it\n");
    expect_file(test_path("new.cells"), "-- %%\nfirst = 1\n");
}

/* Every allocation of a change fails once: it is made or not, and nothing is lost. */
static void lack_of_memory(void **state) {
    struct err e = {0};
    struct notebook *copy;
    const struct magic_call call = {.session = host.session, .notebook = &nb, .place = &nb, .args = "", .body = ""};
    (void)state;
    for (size_t n = 1, done = 0; !done; n++) {
        const int before = nb.count;
        e = (struct err){0};
        mem_fail_once(n);
        if (change_begin(&call, &copy, &e) == OK) {
            notebook_delete(copy, copy->count - 1);
            change_commit(&call, copy, &e);
        }
        done = mem_fail_once(0) < n;
        assert_true(e.status == ERR_MEMORY || (e.status == OK && nb.count < before));
        if (nb.count < before) assert_ok((e = (struct err){0}, change_undo(&call, true, &e)), &e);
        assert_int_equal(nb.count, 3);
    }
}

/* Likewise while a conflict is settled: the cells are one side's, both's, or the user is told. */
static void lack_of_memory_in_a_conflict(void **state) {
    struct err e = {0};
    (void)state;
    for (size_t n = 1, done = 0; !done; n++) {
        char theirs[100];
        e = (struct err){0};
        nb.notebook->changed = true;
        snprintf(theirs, sizeof theirs, "-- %%%% Data\nx = %zu\n", n);
        put_file(theirs);
        answer("t", NULL);
        mem_fail_once(n);
        change_refresh(host.session, &nb, &e);
        done = mem_fail_once(0) < n;
        if (e.status) continue;
        assert_string_equal(nb.notebook->text, theirs);
        assert_false(nb.notebook->changed);
    }
    expect_file(path, nb.notebook->text);
}

/* ---- any sequence ---------------------------------------------------------------------------------------------------- */

enum { NAMES = 4000 };

static uint32_t random_state;

static int random_below(int n) {
    random_state = random_state * 1664525 + 1013904223;
    return (int)(random_state >> 16) % n;
}

/* Another program drops a cell, or puts one at the end. */
static void change_outside(int *last) {
    struct err e = {0};
    struct notebook *theirs;
    char source[32];
    assert_ok(notebook_read(path, &theirs, &e), &e);
    if (theirs->count > 1 && random_below(2)) {
        notebook_delete(theirs, (size_t)random_below((int)theirs->count));
    } else {
        snprintf(source, sizeof source, "v%d = 1", ++*last);
        assert_ok(notebook_insert(theirs, theirs->count, CELL_CODE, source, strlen(source), &e), &e);
    }
    assert_ok(notebook_save(theirs, path, &e), &e);
    notebook_free(theirs);
    assert_ok(change_refresh(host.session, &nb, &e), &e);
}

static void change_randomly(int *last) {
    char line[100];
    const int n = nb.count ? 1 + random_below(nb.count) : 0, m = nb.count ? 1 + random_below(nb.count) : 0;
    switch (random_below(7)) {
    case 0: snprintf(line, sizeof line, "%%%%insert %d\nv%d = 1", n + 1, ++*last); break;
    case 1: snprintf(line, sizeof line, "%%%%insert %d markdown\ntext", n + 1); break;
    case 2: snprintf(line, sizeof line, "%%move %d %d", n, m); break;
    case 3: snprintf(line, sizeof line, "%%delete %d", n); break;
    case 4: snprintf(line, sizeof line, random_below(2) ? "%%undo edit" : "%%redo edit"); break;
    case 5: change_outside(last); return;
    default: snprintf(line, sizeof line, "%%run %d", n); break;
    }
    host_run(&host, line); /* which may be refused */
}

/* A cell counts as done if and only if it ran, under whatever number; the file holds what is open. */
static void check_states(void) {
    struct err e = {0};
    struct buf written = {0};
    for (int n = 1; n <= nb.count; n++) {
        const struct cell *c = &nb.notebook->cells[magic_cell_index(&nb, n)];
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(c->source, " "), c->source);
        lua_getglobal(session_lua(host.session), name);
        const bool ran = !lua_isnil(session_lua(host.session), -1);
        lua_pop(session_lua(host.session), 1);
        if (ran != (nb.state[n - 1].progress == MAGIC_DONE)) fail_msg("[%d] %s: ran %d", n, name, ran);
    }
    assert_true(nb.next >= 1 && nb.next <= nb.count + 1);
    assert_ok(notebook_write(nb.notebook, &written, &e), &e);
    expect_file(path, buf_text(&written));
    buf_free(&written);
}

static int open_random(void **state) {
    const int failed = open_notebook(state);
    struct err e = {0};
    put_file("-- %%\nv1 = 1\n");
    return failed ? failed : (int)change_refresh(host.session, &nb, &e);
}

static void any_sequence_keeps_states_with_their_cells(void **state) {
    (void)state;
    for (uint32_t seed = 1; seed <= 3; seed++) {
        int last = (int)seed * NAMES;
        random_state = seed;
        for (int step = 0; step < 80; step++) {
            change_randomly(&last);
            check_states();
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(inserting, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(breakpoints_follow_their_cells, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(names_follow_their_cells, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(splitting_and_merging, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(editing, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(editors_that_fail, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(a_running_cell_changes_nothing, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(changes_on_disk_are_taken_over, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(while_a_conflict_lasts_nothing_is_overwritten, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(a_conflict_is_settled_as_the_user_says, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(changes_that_go_together_are_put_together, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(a_full_disk_keeps_the_change, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(each_call_of_saving_fails, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(another_file_goes_on_with_the_cells, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(inputs_become_a_notebook, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(any_sequence_keeps_states_with_their_cells, open_random, close_notebook),
        cmocka_unit_test_setup_teardown(lack_of_memory_in_a_conflict, open_notebook, close_notebook),
        cmocka_unit_test_setup_teardown(lack_of_memory, open_notebook, close_notebook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
