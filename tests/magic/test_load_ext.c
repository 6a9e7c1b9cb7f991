/* Magics written in Lua: celda.magic, %load_ext, init.lua, celda.bind. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/file.h"
#include "support/magic.h"

static int open_host(void **state) {
    struct err e = {0};
    magic_host_open(state);
    return session_keep_undo(host.session, 1 << 20, &e);
}

static void shows(const char *source, const char *part) {
    if (host_run(&host, source)) fail_msg("%s failed:\n%s", source, buf_text(&host.out));
    if (!strstr(buf_text(&host.out), part)) fail_msg("%s shows no '%s':\n%s", source, part, buf_text(&host.out));
}

static void magics_are_added(void **state) {
    (void)state;
    host_run(&host, "celda.magic('greet', {usage = '%greet NAME', help = 'greets\\nNicely.', cell = true},\n"
                    "  function(args, body) greeted = args return args, body end)\n"
                    "celda.magic('quiet', function() end)");
    host_expect(&host, "%greet Ada  B", "\"Ada  B\", nil");
    host_expect(&host, "%gre Ada", "\"Ada\", nil");
    host_expect(&host, "%%greet\nx = 1\ny", "\"\", \"\\nx = 1\\ny\"");
    host_expect(&host, "%quiet", "");
    host_fails(&host, "%%quiet\nx", "%quiet takes a line, not a cell: write %quiet");
    host_fails(&host, "%gret", "no magic %gret; did you mean %greet?");
    host_expect(&host, "%help greet", "%greet NAME\ngreets\nNicely.");
    shows("%help", "  %greet NAME             greets\n");
    host_expect(&host, "greeted", "\"\"");
    shows("%undo", "is taken back");
    host_expect(&host, "greeted", "\"Ada\"");
}

static void a_magic_takes_the_place_of_another(void **state) {
    (void)state;
    host_run(&host, "celda.magic('m', function() return 1 end) celda.magic('m', function() return 2 end)");
    host_expect(&host, "%m", "2");
    host_run(&host, "celda.magic('who', {help = 'mine'}, function() return 'me' end)");
    host_expect(&host, "%who", "\"me\"");
    host_expect(&host, "%help who", "%who\nmine");
}

static void errors_have_a_traceback(void **state) {
    (void)state;
    host_run(&host,
             "local function f(x) return x.y.z end\ncelda.magic('bad', function(args)\n  local v = f{} return v end)");
    host_fails(&host, "%bad",
               "[1]:1: attempt to index a nil value (field 'y')\n"
               "  local function f(x) return x.y.z end\n                             ^^^\n"
               "  [1]:1: in function 'f'\n  [1]:3: in function <[1]:2>\n");
    host_fails(&host, "celda.magic('a b', print)", "a name of letters and digits is wanted");
    host_fails(&host, "celda.magic('a', {hlp = ''}, print)", "unknown option 'hlp'; there are usage, help and cell");
    host_fails(&host, "celda.magic('a', {help = {}}, print)", "help is a text, not a table");
    host_fails(&host, "celda.magic('a', {})", "function expected");
    host_fails(&host, "%a", "no magic %a"); /* none of these was added */
}

/* Neither a traceback through what is not the user's nor its text. */
static void fails_in_a_line(const char *source, const char *text) {
    host_fails(&host, source, text);
    assert_ptr_equal(strchr(buf_text(&host.out), '\n'), buf_text(&host.out) + host.out.len - 1);
}

static void extensions_are_loaded(void **state) {
    char line[400];
    (void)state;
    setenv("XDG_CONFIG_HOME", test_path(""), 1);
    mkdir(test_path("celda"), 0700);
    test_file("ext.lua", "celda.magic('ext', function() return 'first' end)", 49);
    test_file("celda/own.lua", "n = (n or 0) + 1", 16);
    snprintf(line, sizeof line, "%%load_ext %s", test_path("ext.lua"));
    host_expect(&host, line, "");
    host_expect(&host, "%ext", "\"first\"");
    host_expect(&host, "%load_ext own", "");
    host_expect(&host, "%load_ext own", "");
    host_expect(&host, "n", "2");
    host_fails(&host, "%load_ext", "which extension?");
    host_fails(&host, "%load_ext no/such.lua", "no/such.lua: No such file or directory");
    fails_in_a_line("%load_ext nosuch",
                    "there is no extension 'nosuch': no module of that name is on package.path or in ");
    test_file("celda/wrong.lua", "local x = 1\nx.y.z = 1", 21);
    fails_in_a_line("%load_ext wrong", "wrong.lua:2: attempt to index a number value (local 'x')");
}

static enum status note_keys(void *arg, const char *keys, const char *text, struct err *e) {
    struct buf *out = arg;
    buf_printf(out, "%s: %s\n", keys, text);
    return *keys ? OK : err_set(e, ERR_VALUE, "no key");
}

static void init_runs_at_each_start(void **state) {
    static const char init[] =
        "celda.magic('mine', function() return 'it' end)\nset = celda.bind('\\\\C-t', 'x')\nerror('boom')";
    struct buf bound = {0};
    struct err e = {0};
    (void)state;
    setenv("XDG_CONFIG_HOME", test_path("none"), 1);
    session_load_init(host.session); /* there is no such file */
    assert_int_equal(host.out.len, 0);
    setenv("XDG_CONFIG_HOME", test_path(""), 1);
    mkdir(test_path("celda"), 0700);
    test_file("celda/init.lua", init, sizeof init - 1);
    session_set_bind(host.session, note_keys, &bound);
    session_load_init(host.session);
    assert_non_null(strstr(buf_text(&host.out), "init.lua:3: boom)\n"));
    assert_string_equal(buf_text(&bound), "\\C-t: x\n");
    host_expect(&host, "%mine", "\"it\"");
    host_expect(&host, "%who", ""); /* what init.lua sets is not the user's */
    host_fails(&host, "celda.bind('', '')", "celda.bind: no key");
    session_set_bind(host.session, NULL, NULL);
    assert_ok(session_reset(host.session, &e), &e);
    host_expect(&host, "%mine", "\"it\"");
    host_expect(&host, "set", "false");
    buf_free(&bound);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, open_host, magic_host_close)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(magics_are_added), TEST(a_magic_takes_the_place_of_another),
                                       TEST(errors_have_a_traceback), TEST(extensions_are_loaded),
                                       TEST(init_runs_at_each_start)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
