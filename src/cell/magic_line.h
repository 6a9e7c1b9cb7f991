/* Lines of a cell that are not Lua: `%name args`, its canonical spelling `-- %name args`, `%%name` on a cell's first
 * line, `?thing` and `thing?`, `!command` and `name = !command`. */
#ifndef CELL_MAGIC_LINE_H
#define CELL_MAGIC_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "cell/lua.h"

enum cell_magic_kind {
    CELL_MAGIC_NONE,
    CELL_MAGIC_LINE,  /* %name args */
    CELL_MAGIC_CELL,  /* %%name args: takes the rest of the cell */
    CELL_MAGIC_HELP,  /* ?thing, thing?, ? */
    CELL_MAGIC_SHELL, /* !command; name = !command: `name` is what its output is assigned to ("local x"), or empty */
};

struct cell_magic {
    enum cell_magic_kind kind;
    bool commented;        /* written as a Lua comment: `-- %name` */
    bool doubled;          /* help with two question marks: the source is wanted */
    struct cell_span line; /* without its line end */
    struct cell_span name; /* "runtime", without % signs; for help: the thing, or empty */
    struct cell_span args; /* the rest, trimmed; may be empty */
};

/* What one line is, standing alone; spans count from its start. `thing?` and `?thing` take a dotted name or a %magic.
 * `-- %d stands for a number` has the form of a magic too: a comment whose name no magic has is a comment. */
struct cell_magic cell_magic_line(const char *line, size_t n);

/* Finds the first magic line at or after byte `from` of a cell, which is 0 or the end of a magic line found before: only
 * lines that stand between statements in the outermost block count, so neither text in long strings and comments nor a
 * modulo that begins a line inside brackets. A %%name counts on the first line alone. Returns false when there is none. */
bool cell_magic_next(const char *source, size_t n, size_t from, struct cell_magic *out);

#endif
