/* A variable's value in short, for %who and %diff. */
#ifndef SESSION_DESCRIBE_H
#define SESSION_DESCRIBE_H

#include <lua.h>

#include "base/buf.h"

struct description {
    const char *type;   /* "tensor", "Sequential", "number": Lua's, on its stack or static */
    char text[120];     /* "float32 (28, 28)", "0.5", "\"word\"" */
    size_t bytes;       /* of a tensor's or Variable's elements; else 0 */
    const char *device; /* where they are, or NULL */
};

/* The value at `index`. No user code runs. */
void session_describe(lua_State *L, int index, struct description *out);
/* "mean 0.12, 0 to 1" of a tensor's elements; nothing for others, and for those of more than 2^24 elements. */
void session_statistics(lua_State *L, int index, struct buf *out);

#endif
