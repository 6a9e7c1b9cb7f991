/* The call that the end of a text stands in. */
#ifndef CELL_CALL_H
#define CELL_CALL_H

#include "cell/lua.h"

enum { CELL_CALL_NAMES = 32 };

struct cell_call {
    struct cell_span callee;                 /* "keras.layers.Conv2D", "model:fit": names with dots and colons */
    bool in_table;                           /* its table of keyword arguments is open: `f{`, `f(x, {` */
    bool at_start;                           /* of an argument: behind the bracket or a comma */
    struct cell_span value_of;               /* behind `name =`: the name; else empty */
    struct cell_span given[CELL_CALL_NAMES]; /* arguments that stand there by name */
    int given_count;
};

/* Whether the text, which ends where the word at the cursor begins, ends within the arguments of a call of a named
 * function, and of which. A function's own parameters are none. Not in strings and comments. */
bool cell_call_at(const char *text, size_t n, struct cell_call *out);

#endif
