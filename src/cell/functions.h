/* Where the functions of a chunk stand, and its constants: from these a function can be made again without running the
 * chunk. */
#ifndef CELL_FUNCTIONS_H
#define CELL_FUNCTIONS_H

#include "cell/lua.h"

struct cell_function {
    struct cell_span body; /* from the ( of its parameters to its `end` */
    int line, last_line;   /* of the ( and of the `end` */
    bool method;           /* `function a:b()`: takes a self before its parameters */
    bool parameters;       /* there are any */
};

struct cell_functions {
    struct cell_function *all; /* in the order of their `end`s */
    size_t count;
    struct cell_span *constants; /* `local x <const> = 3` in the outermost block, on one line, of a literal */
    size_t constant_count;
};

/* Of a chunk that is not complete: none. ERR_MEMORY is the only failure. Free with cell_functions_free, also then. */
enum status cell_functions_find(const char *source, size_t n, struct cell_functions *out, struct err *e);
void cell_functions_free(struct cell_functions *f);

#endif
