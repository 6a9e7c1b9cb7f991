/* Code without a notebook: -e, a script with arguments, standard input. Errors go to standard error, the status is 1. */
#include <stdio.h>
#include <string.h>

#include "front/front.h"
#include "magic/magic.h"

/* Opens a session for one piece of code, runs it, and closes. */
static int run_once(const char *source, size_t n, const char *name, bool values, int argc, char **argv) {
    struct front_console console;
    struct session *s;
    struct session_result r;
    struct err e = {0};
    int interrupts;
    front_console_open(&console);
    console.sink.quiet = !values;
    if (session_open(&console.sink, &s, &e)) return front_fail(e.text);
    session_set_args(s, name, argv, argc);
    session_set_magic(s, magic_run_line, NULL);
    if (session_catch_interrupts(s, &interrupts, &e)) front_fail(e.text);
    session_run(s, source, n, name, &r);
    if (r.status) fprintf(stderr, "%s", buf_text(&r.error));
    int status = r.status == OK ? 0 : r.status == ERR_CANCELLED ? 130 : 1;
    buf_free(&r.error);
    session_close(s);
    return status;
}

int front_code(const char *code) {
    return run_once(code, strlen(code), "-e", true, 0, NULL);
}

/* All of standard input. */
static enum status read_input(struct buf *b, struct err *e) {
    char *room;
    size_t n;
    while ((room = buf_room(b, 1 << 16)) && (n = fread(room, 1, 1 << 16, stdin)) > 0) b->len += n;
    return buf_status(b, e);
}

int front_script(const char *path, int argc, char **argv) {
    struct buf source = {0};
    struct err e = {0};
    bool input = strcmp(path, "-") == 0;
    if (input ? read_input(&source, &e) : buf_read_file(&source, path, &e)) {
        buf_free(&source);
        return front_fail(e.text);
    }
    int status = run_once(buf_text(&source), source.len, input ? "stdin" : path, false, argc, argv);
    buf_free(&source);
    return status;
}
