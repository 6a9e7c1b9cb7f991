/* Which names each cell read and wrote, in the order in which cells ran: what shows who depends on whom. Names read are
 * known from the source, names written also from what happened: a call may change what its arguments reach. */
#ifndef SESSION_TRAIL_H
#define SESSION_TRAIL_H

#include "base/buf.h"
#include "session/session.h"

struct trail;

struct trail_run {
    char cell[32];
    uint32_t source; /* trail_hash of it */
    double time;     /* when it began, clock_date */
    bool undone;     /* taken back: it counts as not run */
    int nread, nwritten;
    char **read, **written; /* sorted */
};

/* Of the cell's source without blanks around it; a magic counts the same bare and as the comment that files have. */
uint32_t trail_hash(const char *source, size_t n);

/* What ran since the session was opened, the oldest first, as far as it is kept. NULL where no trail is kept: without
 * session_keep_undo. */
const struct trail *session_trail(const struct session *s);
int trail_count(const struct trail *t);
const struct trail_run *trail_at(const struct trail *t, int i);
bool trail_reads(const struct trail_run *r, const char *name);
bool trail_writes(const struct trail_run *r, const char *name);
/* The last run before run `before` that wrote the name, or -1. */
int trail_writer(const struct trail *t, const char *name, int before);

#endif
