/* A cell's source rewritten so that its top-level locals outlive it: internal to locals.c. Lines stay where they are.
 */
#ifndef SESSION_REWRITE_H
#define SESSION_REWRITE_H

#include "base/buf.h"
#include "cell/lua.h"

/* A session variable as the cell may see it. */
struct rewrite_variable {
    const char *name;
    bool constant;
    bool used; /* out: it is one of the function's upvalues */
};

/* A function has at most 255 upvalues; two are _ENV and the table of kept locals. */
#define REWRITE_MAX_USED 253

struct rewrite {
    const char *source;
    size_t size;
    const struct cell_lua *lua; /* complete */
    struct rewrite_variable *variables;
    size_t count, used;

    /* The result: a chunk that returns the cell's function, `depth` calls deep. Its upvalue `keep` is a table. When the
     * function runs it puts what it declares into keep[1..slots]: a closure over the locals of one statement, or, for a
     * constant, {name, value}. */
    struct buf text;
    int depth, slots;
    char keep[32];
};

/* The caller frees text, also after a failure. ERR_MEMORY, or ERR_VALUE where the cell names too many variables. */
enum status rewrite_cell(struct rewrite *r, struct err *e);

/* The source as Lua itself would take it: the last expression returned, nothing else changed. */
void rewrite_plain(const struct rewrite *r, struct buf *out);

#endif
