/* Lua in the colours of a terminal. */
#ifndef CELL_COLOUR_H
#define CELL_COLOUR_H

#include "base/buf.h"
#include "cell/lua.h"

/* The escape that begins a token of this kind; "": it has no colour of its own. */
const char *cell_colour(enum cell_token_kind kind);

/* Appends the source with its tokens coloured. No colour goes over a line's end, so that lines can be numbered. */
void cell_put_coloured(const char *source, size_t n, struct buf *out);

#endif
