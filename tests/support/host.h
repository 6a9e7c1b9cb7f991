/* A session whose output is kept, for tests that run cells, and for tests written in Lua. */
#ifndef SUPPORT_HOST_H
#define SUPPORT_HOST_H

#include "session/session.h"

struct host {
    struct sink sink; /* first */
    struct buf out;   /* everything a user would see, errors too */
    struct session *session;
    int cells;
};

void host_open(struct host *h);
void host_close(struct host *h);
/* Runs a cell; what it showed is in h->out afterwards, and nothing else. */
enum status host_run(struct host *h, const char *source);
/* Runs a cell and compares what it showed, without the last line end. */
void host_expect(struct host *h, const char *source, const char *shown);
/* Runs a cell that fails; its message holds `text`. */
void host_fails(struct host *h, const char *source, const char *text);

/* Runs all tests of a Lua file, each as a cmocka test; returns what main does. It fails if anything is still held when the
 * session is closed. A test is test("what", function() ... end); it has `eq(got, expected)` (tables by content, tensors by
 * dtype, shape and elements), `near(got, expected, tolerance)`, `fails(text, f, ...)` (f raises an error that contains
 * text), `ok(condition, text)`, `output()` (what was printed since the last call), `screen{redraws = , width = }`,
 * `fail_once(n)`, `fail_after(n)` (as in mem.h) and `scratch` (a folder for files). With
 * CELDA_TEST_DEVICE=opencl in the environment they run on that device. */
int host_main(const char *path);
/* The same, with functions of the test program's own: `open` registers them. */
int host_main_with(const char *path, void (*open)(lua_State *L));

#endif
