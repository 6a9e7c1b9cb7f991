/* What the files of snapshots share. */
#ifndef SESSION_SNAPSHOT_INTERNAL_H
#define SESSION_SNAPSHOT_INTERNAL_H

#include "bind/bind.h"
#include "session/internal.h"
#include "session/snapshot.h"

/* What a snapshot keeps in a Lua table. */
enum snapshot_part {
    SNAPSHOT_LIST = 1,   /* tables and functions that were reached */
    SNAPSHOT_COPIES,     /* at the same place: a shallow copy of the table, or the list of upvalues; false: left out */
    SNAPSHOT_METATABLES, /* likewise, where there is one */
    SNAPSHOT_PLACES,     /* from a value that was reached to its place in the list; 0: it is none of these */
    SNAPSHOT_LOCALS,     /* locals_push_list */
    SNAPSHOT_GLOBALS,    /* a copy of the table of globals */
};

struct snapshot {
    struct session *session;
    struct bind_snapshot *core;
    int values; /* reference to the parts */
    struct buf left_out;
};

#endif
