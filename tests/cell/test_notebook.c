/* Notebooks: read and written as jupytext does (tests/golden/cells), untouched cells kept byte for byte, changes, files. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cell/notebook.h"
#include "support/test.h"

#define GOLDEN "tests/golden/cells/"

static struct notebook *parse(const char *text) {
    struct err e = {0};
    struct notebook *nb;
    assert_ok(notebook_parse(text, strlen(text), &nb, &e), &e);
    return nb;
}

static void expect_text(const struct notebook *nb, const char *expected) {
    struct err e = {0};
    struct buf out = {0};
    assert_ok(notebook_write(nb, &out, &e), &e);
    assert_string_equal(buf_text(&out), expected);
    assert_int_equal(out.len, strlen(expected));
    buf_free(&out);
}

static char *read_text(const char *folder, const char *name, const char *extension) {
    char path[500];
    struct err e = {0};
    struct buf b = {0};
    snprintf(path, sizeof path, "%s%s%s", folder, name, extension);
    assert_ok(buf_read_file(&b, path, &e), &e);
    return b.data;
}

/* ---- jupytext ------------------------------------------------------------------------------------------------------- */

static void strip(char *s) {
    size_t n = strlen(s);
    while (n > 0 && strchr(" \n", s[n - 1])) s[--n] = '\0';
}

static void compare_cell(const struct cell *c, const json_t *expected, const char *name) {
    char *source = strdup(c->source);
    strip(source);
    const char *theirs = json_string_value(json_object_get(expected, "source"));
    if (strcmp(source, theirs) != 0) fail_msg("%s: a cell is\n%s\njupytext says\n%s", name, source, theirs);
    assert_string_equal(c->title, json_string_value(json_object_get(expected, "title")));
    assert_int_equal(c->kind, json_integer_value(json_object_get(expected, "kind")));
    assert_int_equal(c->depth, json_integer_value(json_object_get(expected, "depth")));
    if (!json_equal(c->metadata, json_object_get(expected, "metadata")))
        fail_msg("%s: metadata of %s: %s", name, c->title, json_dumps(c->metadata, 0));
    free(source);
}

/* The cells are those that jupytext finds, the file is written back as it was. */
static void compare_cells(const char *name) {
    struct err e = {0};
    char *text = read_text(GOLDEN, name, ".cells"), *json = read_text(GOLDEN, name, ".json");
    struct notebook *nb = parse(text);
    json_t *expected = json_parse(json, strlen(json), &e);
    assert_ok(e.status, &e);
    assert_int_equal(nb->count, json_array_size(expected));
    for (size_t i = 0; i < nb->count; i++) compare_cell(&nb->cells[i], json_array_get(expected, i), name);
    expect_text(nb, text);
    json_decref(expected);
    notebook_free(nb);
    mem_free(text);
    mem_free(json);
}

static void test_cells_as_jupytext_reads_them(void **state) {
    (void)state;
    static const char *const names[] = {"tutorial", "metadata", "shapes", "script", "odd"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) compare_cells(names[i]);
}

static void touch_all(struct notebook *nb) {
    struct err e = {0};
    for (size_t i = 0; i < nb->count; i++) {
        char *copy = strdup(nb->cells[i].source);
        assert_ok(notebook_set_source(nb, i, copy, strlen(copy), &e), &e);
        free(copy);
    }
}

/* All cells changed, the file is the one that jupytext writes, but for the last blank lines and the header's. */
static void test_written_as_jupytext_writes(void **state) {
    (void)state;
    static const char *const names[] = {"tutorial", "metadata", "shapes", "script"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *text = read_text(GOLDEN, names[i], ".cells"), *canonical = read_text(GOLDEN, names[i], ".canonical");
        struct notebook *nb = parse(text);
        touch_all(nb);
        expect_text(nb, canonical);
        notebook_free(nb);
        mem_free(text);
        mem_free(canonical);
    }
}

static void test_canonical_is_stable(void **state) {
    (void)state;
    static const char *const names[] = {"tutorial", "metadata", "shapes", "script", "odd"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct err e = {0};
        struct buf first = {0};
        char *text = read_text(GOLDEN, names[i], ".cells");
        struct notebook *nb = parse(text);
        touch_all(nb);
        assert_ok(notebook_write(nb, &first, &e), &e);
        struct notebook *again = parse(buf_text(&first));
        assert_int_equal(again->count, nb->count);
        for (size_t k = 0; k < nb->count; k++) {
            assert_string_equal(again->cells[k].source, nb->cells[k].source);
            assert_string_equal(again->cells[k].title, nb->cells[k].title);
            assert_true(json_equal(again->cells[k].metadata, nb->cells[k].metadata));
        }
        touch_all(again);
        expect_text(again, buf_text(&first));
        notebook_free(nb);
        notebook_free(again);
        buf_free(&first);
        mem_free(text);
    }
}

/* ---- shapes of files ------------------------------------------------------------------------------------------------ */

/* Whatever the text is, it is taken and written back as it was. */
static void test_any_text_is_kept(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t count;
    } cases[] = {
        {"", 0},
        {"\n\n", 0},
        {"x = 1", 1},
        {"-- %%", 1},
        {"-- %% a\n-- %% b", 2},
        {"\n\n-- %%\n\n\n\nx = 1\n\n\n\n-- %%\n\n", 2},
        {"-- ---\n-- title: never closed\n-- %%\nx = 1\n", 2},
        {"-- ---\n-- a: 1\n-- ---\n", 0},
        {"#!/usr/bin/env celda", 0},
        {"\xEF\xBB\xBF-- ---\n-- a: 1\n-- ---\n\n-- %%\nx = 1\n", 1},
        {"-- %% dos\r\nx = 1\r\n\r\n-- %% [markdown]\r\n-- text\r\n", 2},
        {"-- %% mac\rx = 1\r\r-- %% b\r", 2},
        {"\x01\xFF\xFE binary \x80\n\n", 1},
        {"-- %% [raw]\n--raw", 1},
        {"-- %%%%%%\n-- %%%%%% \n", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct notebook *nb = parse(cases[i].text);
        if (nb->count != cases[i].count) fail_msg("%s: %zu cells", cases[i].text, nb->count);
        expect_text(nb, cases[i].text);
        notebook_free(nb);
    }
}

static void test_head_and_lines(void **state) {
    (void)state;
    struct notebook *nb =
        parse("#!/usr/bin/env celda\n-- ---\n-- title: T\n--\n-- a:\n--   b: 1\n-- ---\n\n"
              "x = 1\n-- %% second\r\n\r\ny = 2\r\nz = 3\r\n\r\n-- %% [markdown]\n-- a\n--\n--  b\n\n");
    assert_string_equal(nb->header, "title: T\n\na:\n  b: 1");
    assert_int_equal(nb->count, 3);
    assert_int_equal(nb->cells[0].line, 9);
    assert_string_equal(nb->cells[0].source, "x = 1");
    assert_int_equal(nb->cells[1].line, 11);
    assert_string_equal(nb->cells[1].source, "\r\ny = 2\r\nz = 3");
    assert_int_equal(nb->cells[2].line, 16);
    assert_string_equal(nb->cells[2].source, "a\n\n b");
    assert_int_equal(nb->cells[2].size, 5);
    assert_false(nb->changed);
    notebook_free(nb);
}

static void test_metadata(void **state) {
    (void)state;
    struct notebook *nb =
        parse("-- %% a tags=[\"slow\", \"gpu\"] device=\"gpu\" timeout=600\n-- %% b tags=\"slow\" timeout=-1\n"
              "-- %% c device=1 timeout=\"x\"\n");
    const struct cell *c = nb->cells;
    assert_true(cell_has_tag(&c[0], "slow") && cell_has_tag(&c[0], "gpu") && cell_has_tag(&c[1], "slow"));
    assert_false(cell_has_tag(&c[0], "slo") || cell_has_tag(&c[1], "gpu") || cell_has_tag(&c[2], "slow"));
    assert_string_equal(cell_device(&c[0]), "gpu");
    assert_null(cell_device(&c[1]));
    assert_null(cell_device(&c[2]));
    assert_true(cell_timeout(&c[0]) == 600 && cell_timeout(&c[1]) == 0 && cell_timeout(&c[2]) == 0);
    notebook_free(nb);
}

static void test_warnings(void **state) {
    (void)state;
    static const struct {
        const char *text, *warning;
        int line;
    } cases[] = {
        {"-- %% a\nx = 1\n-- %% b key=[1,\n", "key=JSON expected", 3},
        {"-- %% a\nx = 1\ns = [[\n-- %% b\n]]\n", "stands inside this long string or comment", 3},
        {"-- %%\n--[==[\n-- %% b\n]==]\n", "stands inside this long string or comment", 2},
        {"-- %%\nx = 1\n%runtime gpu\n%other\n", "%runtime makes the file no valid Lua; write it as `-- %runtime`", 3},
        {"-- %%\nx = 1\n\n-- %%\n%%time\n", "%%time makes the file no valid Lua", 5},
        {"-- %%\nx = 'caf\xE9'\n", "not UTF-8 text", 2},
        {"-- %% a\n-- %runtime gpu\n%[markdown]\ns = 'unfinished\n-- %% b\nx = [[\n]]", NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct notebook *nb = parse(cases[i].text);
        if (!cases[i].warning) {
            assert_int_equal(nb->warning_count, 0);
        } else {
            assert_int_equal(nb->warning_count, 1);
            assert_non_null(strstr(nb->warnings[0].text, cases[i].warning));
            assert_int_equal(nb->warnings[0].line, cases[i].line);
        }
        notebook_free(nb);
    }
}

/* ---- changes -------------------------------------------------------------------------------------------------------- */

#define THREE "-- ---\n-- t: 1\n-- ---\n\n\n--  %%  one  a=[1,2]\nx=1\n\n\n-- %% two\ny = 2\n-- %% three\nz = 3"

static void test_only_what_changed_is_rewritten(void **state) {
    (void)state;
    struct err e = {0};
    struct notebook *nb = parse(THREE);
    assert_ok(notebook_set_source(nb, 1, "y = 22\n\n", 8, &e), &e);
    assert_true(nb->changed);
    expect_text(nb,
                "-- ---\n-- t: 1\n-- ---\n\n\n--  %%  one  a=[1,2]\nx=1\n\n\n-- %% two\ny = 22\n\n-- %% three\nz = 3");
    assert_ok(notebook_set_title(nb, 0, "uno", &e), &e);
    assert_ok(notebook_set_metadata(nb, 0, "b", json_string("\u00e9"), &e), &e);
    assert_ok(notebook_set_metadata(nb, 2, "tags", json_pack("[s]", "x"), &e), &e);
    assert_ok(notebook_set_metadata(nb, 2, "tags", NULL, &e), &e);
    expect_text(nb, "-- ---\n-- t: 1\n-- ---\n\n\n-- %% uno a=[1, 2] b=\"\\u00e9\"\nx=1\n\n-- %% two\ny = 22\n\n"
                    "-- %% three\nz = 3\n");
    notebook_free(nb);
}

static void test_insert_delete_move(void **state) {
    (void)state;
    struct err e = {0};
    struct notebook *nb = parse("-- %% one\nx = 1\n\n-- %% two\ny = 2");
    assert_ok(notebook_insert(nb, 2, CELL_CODE, "%runtime gpu\nz = 3\n", 19, &e), &e);
    assert_ok(notebook_insert(nb, 1, CELL_MARKDOWN, "# Title\n\ntext", 13, &e), &e);
    assert_ok(notebook_insert(nb, 0, CELL_RAW, "", 0, &e), &e);
    expect_text(nb, "-- %% [raw]\n--\n\n-- %% one\nx = 1\n\n-- %% [markdown]\n-- # Title\n--\n-- text\n\n"
                    "-- %% two\ny = 2\n\n-- %%\n-- %runtime gpu\nz = 3\n");
    notebook_delete(nb, 0);
    notebook_delete(nb, 1);
    notebook_delete(nb, 2);
    expect_text(nb, "-- %% one\nx = 1\n\n-- %% two\ny = 2");
    notebook_move(nb, 0, 1);
    expect_text(nb, "-- %% two\ny = 2\n\n-- %% one\nx = 1\n");
    notebook_move(nb, 1, 0);
    expect_text(nb, "-- %% one\nx = 1\n\n-- %% two\ny = 2");
    notebook_free(nb);
    assert_ok(notebook_new(&nb, &e), &e);
    expect_text(nb, "");
    assert_ok(notebook_insert(nb, 0, CELL_CODE, "x = 1", 5, &e), &e);
    expect_text(nb, "-- %%\nx = 1\n");
    notebook_free(nb);
}

/* Where cells stand right behind each other, those that change do, too. */
static void test_compact_files_stay_compact(void **state) {
    (void)state;
    struct err e = {0};
    struct notebook *nb = parse("-- %% one\n-- %%time\nx = 1\n-- %% two\ny = 2\n-- %%\nz = 3\n");
    assert_ok(notebook_set_source(nb, 1, "y = 22", 6, &e), &e);
    assert_ok(notebook_insert(nb, 3, CELL_CODE, "u = 4", 5, &e), &e);
    expect_text(nb, "-- %% one\n-- %%time\nx = 1\n-- %% two\ny = 22\n-- %%\nz = 3\n-- %%\nu = 4\n");
    notebook_free(nb);
}

/* Bare magics are commented where they stand between statements, and nowhere else. */
static void test_magics_are_commented(void **state) {
    (void)state;
    struct err e = {0};
    struct notebook *nb;
    assert_ok(notebook_new(&nb, &e), &e);
    const char *source = "%%time\n  %runtime gpu\n-- %resources\ns = [[\n%inside\n]]\nx = f(a\n%b)\n?help";
    assert_ok(notebook_insert(nb, 0, CELL_CODE, source, strlen(source), &e), &e);
    expect_text(nb, "-- %%\n-- %%time\n  -- %runtime gpu\n-- %resources\ns = [[\n%inside\n]]\nx = f(a\n%b)\n?help\n");
    notebook_free(nb);
}

/* ---- two texts ------------------------------------------------------------------------------------------------------ */

static void expect_match(const char *old_text, const char *new_text, const char *expected) {
    struct err e = {0};
    struct buf out = {0};
    int from[10];
    struct notebook *old = parse(old_text), *new = parse(new_text);
    assert_ok(notebook_match(old, new, from, &e), &e);
    for (size_t i = 0; i < new->count; i++) buf_printf(&out, "%d ", from[i]);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
    notebook_free(old);
    notebook_free(new);
}

static void test_cells_are_found_again(void **state) {
    (void)state;
    static const char old[] = "-- %% A\na = 1\n\n-- %% [markdown]\n-- text\n\n-- %%\nb = 2\n\n-- %%\nc = 3\n";
    expect_match(old, old, "0 1 2 3 ");
    expect_match(old, "-- %% A\na = 1\n-- %% [markdown]\n-- text\n-- %%\nb = 22\n-- %%\nc = 3\n", "0 1 2 3 ");
    expect_match(old, "-- %%\nb = 2\n-- %% A\na = 1\n-- %% [markdown]\n-- text\n-- %%\nc = 3\n", "2 0 1 3 ");
    expect_match(old, "-- %% A\na = 1\n-- %% [markdown]\n-- text\n-- %%\nc = 3\n", "0 1 3 ");
    expect_match(old, "-- %%\nn = 0\n-- %% A\na = 1\n-- %% [markdown]\n-- text\n-- %%\nb = 2\n-- %%\n", "-1 0 1 2 3 ");
    expect_match(old, "-- %%\nb = 2\n-- %% A\na = 11\n", "2 0 "); /* moved and edited: by its title */
    expect_match(old, "-- %% A\na = 1\n-- %% [markdown]\n-- other\n-- %% B\nb = 2\n", "0 1 2 ");
    expect_match("", "-- %%\n-- %%\n", "-1 -1 ");
    expect_match("-- %%\n-- %%\n", "", "");
    expect_match("-- %%\nx\n-- %%\nx\n", "-- %%\nx\n-- %%\nx\n-- %%\nx\n", "0 1 -1 ");
}

/* Merges two changes of a text, in both orders. */
static void expect_merge(const char *base_text, const char *a_text, const char *b_text, const char *expected) {
    struct notebook *base = parse(base_text), *a = parse(a_text), *b = parse(b_text), *out;
    struct err e = {0};
    for (int order = 0; order < 2; order++) {
        if (expected) {
            assert_ok(notebook_merge(base, order ? b : a, order ? a : b, &out, &e), &e);
            expect_text(out, expected);
        } else {
            assert_error(notebook_merge(base, order ? b : a, order ? a : b, &out, &e), ERR_STATE, "on both sides", &e);
            assert_null(out);
        }
        notebook_free(out);
    }
    notebook_free(base);
    notebook_free(a);
    notebook_free(b);
}

static void test_merging(void **state) {
    (void)state;
    static const char base[] = "-- %% A\na = 1\n\n\n-- %% B\nb = 2\n\n-- %% C\nc = 3\n";
    expect_merge(base, base, base, base);
    expect_merge(base, "-- %% A\na = 1\n\n\n-- %% B\nb = 2\n\n-- %% C\nc = 4\n",
                 "-- %% New\n\n-- %% B\nb = 5\n\n-- %% C\nc = 3\n", "-- %% New\n\n-- %% B\nb = 5\n\n-- %% C\nc = 4\n");
    expect_merge(base, "-- %% A\na = 11\n\n-- %% B\nb = 2\n\n-- %% C\nc = 3\n",
                 "-- %% C\nc = 3\n-- %% B\nb = 2\n-- %% A\na = 1\n",
                 "-- %% C\nc = 3\n-- %% B\nb = 2\n-- %% A\na = 11\n");
    expect_merge(base, "-- %% A\na = 11\n\n-- %% B\nb = 2\n\n-- %% C\nc = 3\n",
                 "-- %% A\na = 12\n\n-- %% B\nb = 2\n\n-- %% C\nc = 3\n", NULL);
    expect_merge(base, "-- %% A\na = 11\n\n-- %% B\nb = 2\n\n-- %% C\nc = 3\n", "-- %% B\nb = 2\n\n-- %% C\nc = 3\n",
                 NULL);
    expect_merge(base, "-- %% A\na = 1\n\n\n-- %% B\nb = 2\n", "-- %% B\nb = 2\n\n-- %% C\nc = 3\n", NULL);
}

/* ---- files ---------------------------------------------------------------------------------------------------------- */

static const char *folder(void) {
    const char *f = getenv("TEST_TMP");
    return f ? f : "/tmp";
}

static int count_files(const char *path) {
    int n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) n += entry->d_name[0] != '.';
    closedir(d);
    return n;
}

static void test_save_and_read(void **state) {
    (void)state;
    struct err e = {0};
    struct stat st;
    char dir[200], path[300], link[300];
    snprintf(dir, sizeof dir, "%s/notebook.XXXXXX", folder());
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a.cells", dir);
    snprintf(link, sizeof link, "%s/link.cells", dir);
    struct notebook *nb = parse(THREE), *read;
    assert_ok(notebook_save(nb, path, &e), &e);
    assert_string_equal(nb->path, path);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(symlink("a.cells", link), 0);
    notebook_delete(nb, 0);
    assert_ok(notebook_save(nb, link, &e), &e);
    assert_false(nb->changed);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(count_files(dir), 2);
    assert_ok(notebook_read(path, &read, &e), &e);
    assert_int_equal(read->count, 2);
    assert_string_equal(read->path, path);
    notebook_free(read);
    notebook_free(nb);
    unlink(link);
    unlink(path);
    rmdir(dir);
}

static void test_files_that_cannot_be(void **state) {
    (void)state;
    struct err e = {0};
    struct notebook *nb;
    assert_error(notebook_read("/nowhere/a.cells", &nb, &e), ERR_IO, "/nowhere/a.cells", &e);
    assert_null(nb);
    assert_error(notebook_read("/", &nb, &e), ERR_IO, "/", &e);
    nb = parse(THREE);
    assert_error(notebook_save(nb, "/nowhere/a.cells", &e), ERR_IO, "/nowhere/a.cells", &e);
    assert_error(notebook_save(nb, "/proc/a.cells", &e), ERR_IO, "/proc/a.cells", &e);
    assert_error(notebook_save(nb, "/dev/full", &e), ERR_IO, "/dev/full': it is no regular file", &e);
    assert_null(nb->path);
    notebook_free(nb);
}

/* Every allocation fails once: an error and no leak. */
static void test_lack_of_memory(void **state) {
    (void)state;
    for (size_t n = 1, done = 0; !done; n++) {
        struct err e = {0};
        struct buf out = {0};
        struct notebook *nb;
        mem_fail_once(n);
        if (notebook_parse(THREE, strlen(THREE), &nb, &e) == OK && notebook_set_source(nb, 0, "a", 1, &e) == OK &&
            notebook_set_title(nb, 1, "b", &e) == OK && notebook_insert(nb, 1, CELL_MARKDOWN, "c", 1, &e) == OK &&
            notebook_write(nb, &out, &e) == OK)
            done = mem_fail_once(0) < n;
        mem_fail_once(0);
        assert_int_equal(e.status, done ? OK : ERR_MEMORY);
        notebook_free(nb);
        buf_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_as_jupytext_reads_them),
        cmocka_unit_test(test_written_as_jupytext_writes),
        cmocka_unit_test(test_canonical_is_stable),
        cmocka_unit_test(test_any_text_is_kept),
        cmocka_unit_test(test_head_and_lines),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_only_what_changed_is_rewritten),
        cmocka_unit_test(test_insert_delete_move),
        cmocka_unit_test(test_compact_files_stay_compact),
        cmocka_unit_test(test_magics_are_commented),
        cmocka_unit_test(test_cells_are_found_again),
        cmocka_unit_test(test_merging),
        cmocka_unit_test(test_save_and_read),
        cmocka_unit_test(test_files_that_cannot_be),
        cmocka_unit_test(test_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
