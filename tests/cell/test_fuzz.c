/* Damaged programs and notebooks: whatever the text, lexer, parser and notebook stay within it and say something. Run under
 * AddressSanitizer by `make check SANITIZER=address`. */
#include <stdlib.h>

#include "cell/lua.h"
#include "cell/magic_line.h"
#include "cell/notebook.h"
#include "support/mutate.h"
#include "support/test.h"

static struct buf read_text(const char *path) {
    struct err e = {0};
    struct buf b = {0};
    assert_ok(buf_read_file(&b, path, &e), &e);
    return b;
}

/* A copy that ends with the last byte, so that reading beyond it is seen. */
static char *exact_copy(const struct buf *b) {
    char *copy = malloc(b->len ? b->len : 1);
    assert_non_null(copy);
    memcpy(copy, buf_text(b), b->len);
    return copy;
}

/* ---- Lua ------------------------------------------------------------------------------------------------------------ */

static void check_spans(const struct cell_lua *c, size_t n) {
    size_t at = 0;
    for (size_t i = 0; i < c->token_count; i++) {
        const struct cell_token *t = &c->tokens[i];
        assert_true(t->span.begin >= at && t->span.begin < t->span.end && t->span.end <= n);
        assert_true(t->line >= 1 && t->last_line >= t->line);
        assert_true(t->kind != CELL_TOKEN_WRONG || i + 1 == c->token_count);
        at = t->span.end;
    }
    assert_true(c->last.begin <= c->last.end && c->last.end <= n);
    at = 0;
    for (size_t i = 0; i < c->local_count; i++) {
        const struct cell_local_statement *st = &c->locals[i];
        assert_true(st->span.begin >= at && st->span.end <= n && st->count > 0);
        at = st->span.begin;
        for (size_t k = 0; k < st->count; k++, at = st->names[k - 1].name.end)
            assert_true(st->names[k].name.begin >= at && st->names[k].name.end <= st->span.end);
        at = st->span.end;
    }
}

static void check_lua(const char *s, size_t n) {
    struct err e = {0};
    struct cell_lua c;
    assert_ok(cell_lua_parse(s, n, &c, &e), &e);
    assert_int_equal(c.status == CELL_LUA_COMPLETE, c.message[0] == '\0');
    assert_true(c.status == CELL_LUA_COMPLETE || (c.line >= 1 && c.column >= 1));
    check_spans(&c, n);
    cell_lua_free(&c);
}

static void check_magics(const char *s, size_t n) {
    struct cell_magic m;
    for (size_t from = 0; cell_magic_next(s, n, from, &m); from = m.line.end) {
        assert_true(m.line.begin >= from && m.line.begin < m.line.end && m.line.end <= n);
        assert_true(m.name.begin >= m.line.begin && m.name.begin < m.name.end && m.name.end <= m.line.end);
        assert_true(m.args.begin >= m.line.begin && m.args.begin <= m.args.end && m.args.end <= m.line.end);
    }
}

static const char *const lua_pieces[] = {
    "end",
    "function",
    "local ",
    "(",
    ")",
    "{",
    "}",
    "[[",
    "]]",
    "[==[",
    "\"",
    "'",
    "\\",
    "\\x",
    "\\u{",
    "\\z",
    "--",
    "--[[",
    "0x",
    "1e",
    "::",
    "goto ",
    "...",
    "<const>",
    "\n%magic it's\n",
    "\n-- %magic\n",
    "?",
    "\r",
    "\n",
    "\xff",
};

static void test_lua(void **state) {
    (void)state;
    struct buf sample = read_text("tests/support/sample.lua");
    struct mutation m = {sample.data, sample.len, lua_pieces, sizeof lua_pieces / sizeof *lua_pieces, 0};
    for (m.seed = 1; m.seed <= 2000; m.seed++) {
        struct buf b = mutate(&m);
        char *copy = exact_copy(&b);
        check_lua(copy, b.len);
        check_magics(copy, b.len);
        free(copy);
        buf_free(&b);
    }
    buf_free(&sample);
}

/* ---- notebooks ------------------------------------------------------------------------------------------------------ */

static void check_notebook(const char *s, size_t n) {
    struct err e = {0};
    struct buf out = {0};
    struct notebook *nb;
    assert_ok(notebook_parse(s, n, &nb, &e), &e);
    assert_ok(notebook_write(nb, &out, &e), &e);
    assert_int_equal(out.len, n);
    assert_memory_equal(buf_text(&out), s, n);
    buf_free(&out);
    for (size_t i = 0; i < nb->count; i++) {
        assert_true(nb->cells[i].title && nb->cells[i].source && nb->cells[i].line >= 1);
        assert_true(json_is_object(nb->cells[i].metadata));
        assert_ok(notebook_set_title(nb, i, "t", &e), &e);
    }
    assert_ok(notebook_write(nb, &out, &e), &e);
    buf_free(&out);
    notebook_free(nb);
}

static const char *const cell_pieces[] = {
    "-- %% ", "\n-- %%\n", "%",        "[markdown]", "[raw]",        "[md]",
    "{",      "}",         "=",        " a=1",       "\"",           "[",
    "]",      ",",         "-- ---\n", "#!",         "```",          "~~~",
    "\r",     "\r\n",      "\n\n\n\n", "\t",         "\xEF\xBB\xBF", "\xff",
    "--",     "[[",
};

static void test_notebooks(void **state) {
    (void)state;
    static const char *const paths[] = {"tests/golden/cells/tutorial.cells", "tests/golden/cells/metadata.cells",
                                        "tests/golden/cells/shapes.cells", "tests/golden/cells/script.cells",
                                        "tests/golden/cells/odd.cells"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct buf text = read_text(paths[i]);
        struct mutation m = {text.data, text.len, cell_pieces, sizeof cell_pieces / sizeof *cell_pieces, 0};
        for (m.seed = 1; m.seed <= 400; m.seed++) {
            struct buf b = mutate(&m);
            char *copy = exact_copy(&b);
            check_notebook(copy, b.len);
            free(copy);
            buf_free(&b);
        }
        buf_free(&text);
    }
}

/* Texts that would take long if anything were done again for each line or sign. */
static void test_large(void **state) {
    (void)state;
    static const char *const lines[] = {"-- %% a=1 b=[\n",
                                        "-- %% [markdown]\n-- ```` open\n",
                                        "-- ```` open\n-- ``` open\n",
                                        "=",
                                        "a=",
                                        "[md]",
                                        "x=\"\\u1234\" ",
                                        "-- %%\n",
                                        "%magic\n",
                                        "a.b",
                                        "goto a ",
                                        "::a",
                                        "\n",
                                        "local x\n",
                                        "(a,",
                                        "{a=",
                                        "a = {}\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct buf b = {0};
        buf_puts(&b, i < 7 ? "-- %% [markdown] " : "");
        while (b.len < 200000) buf_puts(&b, lines[i]);
        check_notebook(b.data, b.len);
        check_lua(b.data, b.len);
        buf_free(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lua),
        cmocka_unit_test(test_notebooks),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
