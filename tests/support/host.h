/* A session whose output is kept, for tests that run cells. */
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
/* Runs a file of Lua as one cell; a failure fails the test with the traceback. */
void host_run_file(struct host *h, const char *path);

#endif
