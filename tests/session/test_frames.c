/* The debugger's commands over the frames of a cell's error. */
#include "base/mem.h"
#include "support/host.h"
#include "support/test.h"

static const char cell[] = "local factor = 3\n"
                           "local function inner(x, ...)\n"
                           "  local z = x.n * factor\n"
                           "  return z + x.missing\n"
                           "end\n"
                           "function outer(list)\n"
                           "  for i, item in ipairs(list) do\n"
                           "    local sum = inner(item, 'a', nil)\n"
                           "    print(sum)\n"
                           "  end\n"
                           "end\n"
                           "outer{{n = 7}}";

static int open_host(void **state) {
    static struct host h;
    host_open(&h);
    host_run(&h, "other = 'global' local session = 'variable'");
    host_fails(&h, cell, "attempt to perform arithmetic on a nil value (field 'missing')");
    *state = &h;
    return 0;
}

static int close_host(void **state) {
    host_close(*state);
    return 0;
}

static void command_shows(struct host *h, const char *command, const char *text) {
    struct err e = {0};
    buf_free(&h->out);
    assert_ok(session_debug(h->session, command, &e), &e);
    if (text) assert_string_equal(buf_text(&h->out), text);
}

static void command_fails(struct host *h, const char *command, const char *text) {
    struct err e = {0};
    assert_int_not_equal(session_debug(h->session, command, &e), OK);
    assert_string_equal(e.text, text);
}

static void tail_calls_are_shown(void **state) {
    host_fails(*state, "function last() error('deep') end\nfunction first() return last() end\nfirst()", "deep");
    command_shows(*state, "where", "> [3]:1: in function 'last'\n  (...tail calls...)\n  [3]:3: in main chunk\n");
}

static void frames_are_walked(void **state) {
    command_shows(*state, "where",
                  "> [2]:4: in function 'inner'\n  [2]:8: in function 'outer'\n  [2]:12: in main chunk\n");
    command_shows(*state, "up",
                  "> [2]:8: in function 'outer'\n       6  function outer(list)\n"
                  "       7    for i, item in ipairs(list) do\n--->   8      local sum = inner(item, 'a', nil)\n"
                  "       9      print(sum)\n      10    end\n");
    command_shows(*state, "", "> [2]:12: in main chunk\n      10    end\n      11  end\n--->  12  outer{{n = 7}}\n");
    command_fails(*state, "up", "this is the outermost frame");
    command_shows(*state, "bt",
                  "  [2]:4: in function 'inner'\n  [2]:8: in function 'outer'\n> [2]:12: in main chunk\n");
    command_fails(*state, "down x", "'x' is no number of frames");
    command_fails(*state, "down 3", "this is the innermost frame");
    command_shows(*state, "d 2",
                  "> [2]:4: in function 'inner'\n       2  local function inner(x, ...)\n"
                  "       3    local z = x.n * factor\n--->   4    return z + x.missing\n       5  end\n"
                  "       6  function outer(list)\n");
}

static void locals_are_listed(void **state) {
    command_shows(*state, "locals",
                  "  x                table        {n = 7}\n  z                number       21\nupvalues:\n"
                  "  factor           number       3\n");
    command_shows(*state, "args",
                  "  x                table        {n = 7}\n  ...[1]           string       \"a\"\n  ...[2]           "
                  "nil          nil\n");
    command_shows(*state, "up 2",
                  "> [2]:12: in main chunk\n      10    end\n      11  end\n--->  12  outer{{n = 7}}\n");
}

static void code_is_run_in_the_frame(void **state) {
    struct host *h = *state;
    command_shows(h, "p x", "{n = 7}\n");
    command_shows(h, "z, x.n * factor, select('#', ...), other, session", "21, 21, 2, \"global\", \"variable\"\n");
    command_shows(h, "p i", "nil\n");
    command_shows(h, "z = z + 1", "");
    command_shows(h, "p z", "22\n");
    command_shows(h, "factor = 4", "");
    command_shows(h, "session = 'changed' other = 2 new = 3", "");
    command_shows(h, "!p = 5", "");
    command_shows(h, "p p", "5\n");
    command_shows(h, "list = 1", ""); /* an assignment, no command */
    command_fails(h, "x.missing.y", "debug:1: attempt to index a nil value (field 'missing')");
    command_fails(h, "x = = 1", "debug:1: unexpected symbol near '='");
    command_fails(h, "p", "p EXPRESSION: what should be shown?");
    command_shows(h, "where", "> [2]:4: in function 'inner'\n  [2]:8: in function 'outer'\n  [2]:12: in main chunk\n");
    host_expect(h, "factor, session, other, new, list", "4, \"changed\", 2, 3, 1");
}

static void a_cells_own_locals_are_the_sessions(void **state) {
    struct host *h = *state;
    host_fails(h, "local kept, hidden = 1, 2\ndo local hidden = 3 error('x') end", "x");
    command_shows(h, "kept = 10 hidden = 20", "");
    command_shows(h, "kept, hidden", "10, 20\n");
    host_expect(h, "kept, hidden", "10, 2"); /* the inner block's was a copy */
}

/* A command's letter at the beginning of an expression: pdb would leave at `c + 5`. */
static void an_expression_is_no_command(void **state) {
    struct host *h = *state;
    host_fails(h, "local c, u, l = 1, 2, {3} error('x')", "x");
    command_shows(h, "c + 5", "6\n");
    command_shows(h, "u * 2", "4\n");
    command_shows(h, "l[1]", "3\n");
    command_shows(h, "c, u", "1, 2\n");
    command_shows(h, "c == 1", "true\n");
    command_shows(h, "!c", "1\n");
}

static void source_is_listed(void **state) {
    command_shows(*state, "ll",
                  "       2  local function inner(x, ...)\n       3    local z = x.n * factor\n"
                  "--->   4    return z + x.missing\n       5  end\n");
    command_shows(*state, "list 12",
                  "       7    for i, item in ipairs(list) do\n       8      local sum = inner(item, 'a', nil)\n"
                  "       9      print(sum)\n      10    end\n      11  end\n      12  outer{{n = 7}}\n");
    command_shows(*state, "l", "the end of the source\n");
}

static void the_last_error_stays(void **state) {
    struct host *h = *state;
    host_expect(h, "1 + 1", "2");
    host_expect(h, "pcall(error, 'caught')", "false, \"caught\"");
    command_shows(h, "p z", "21\n");
    host_fails(h, "local t = 1\nerror({})", "the error is {}");
    command_shows(h, "p t", "1\n");
    command_shows(h, "where", "> [5]:2: in main chunk\n");
    host_fails(h, "local function f(n) return 1 + f(n + 1) end f(1)", "stack overflow");
    command_shows(h, "p n > 1000", "true\n");
    command_fails(h, "up 60", "this is the outermost frame");
    host_fails(h, "syntax error", "syntax error near 'error'"); /* it has no frames of its own */
    command_shows(h, "p n > 1000", "true\n");
}

static void collect(void *arg, const struct session_candidate *c) {
    buf_printf(arg, "%s ", c->word);
}

static void completes(struct host *h, const char *line, const char *words) {
    struct buf out = {0};
    session_complete(h->session, line, strlen(line), collect, &out);
    assert_string_equal(buf_text(&out), words);
    buf_free(&out);
}

static void frames_of_coroutines_are_kept(void **state) {
    struct host *h = *state;
    host_fails(h,
               "local function f(n) coroutine.yield(n) error('deep') end\n"
               "local count = 0\nfor x in coroutine.wrap(function(...) f(7) end) do count = count + x end",
               "deep");
    command_shows(h, "p n", "7\n");
    command_shows(h, "where", "> [3]:1: in function 'f'\n  [3]:3: in function <[3]:3>\n  [3]:3: in main chunk\n");
    command_shows(h, "up 2", NULL);
    command_shows(h, "p count", "7\n");
}

static void names_of_the_frame_are_completed(void **state) {
    struct host *h = *state;
    struct err e = {0};
    host_run(h, "x = {other_field = 1}");
    completes(h, "p fact", "factor ");
    completes(h, "p x.", "other_field ");
    completes(h, "p ite", "");
    assert_ok(session_debug_enter(h->session, &e), &e);
    completes(h, "p x.", "n ");
    completes(h, "ite", "");
    command_shows(h, "up", NULL);
    completes(h, "ite", "item ");
    completes(h, "item.", "n ");
    completes(h, "_k", "");
}

static void frames_go_when_memory_is_short(void **state) {
    struct host *h = *state;
    struct err e = {0};
    mem_fail_once(1);
    void *block = mem_block_alloc(64, &e);
    mem_fail_once(0);
    assert_ok(e.status, &e);
    mem_block_free(block);
    assert_int_equal(session_debug(h->session, "where", &e), ERR_STATE);
}

static void the_user_enters_and_leaves(void **state) {
    struct host *h = *state;
    struct err e = {0};
    assert_ok(session_debug_enter(h->session, &e), &e);
    assert_true(session_debugging(h->session));
    command_shows(h, "q", "");
    assert_false(session_debugging(h->session));
    assert_ok(session_reset(h->session, &e), &e);
    assert_int_equal(session_debug_enter(h->session, &e), ERR_STATE);
    assert_false(session_debugging(h->session));
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, open_host, close_host)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(frames_are_walked),
        TEST(tail_calls_are_shown),
        TEST(locals_are_listed),
        TEST(code_is_run_in_the_frame),
        TEST(a_cells_own_locals_are_the_sessions),
        TEST(an_expression_is_no_command),
        TEST(source_is_listed),
        TEST(the_last_error_stays),
        TEST(frames_of_coroutines_are_kept),
        TEST(names_of_the_frame_are_completed),
        TEST(frames_go_when_memory_is_short),
        TEST(the_user_enters_and_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
