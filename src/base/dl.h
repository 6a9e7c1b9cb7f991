/* Shared libraries that are looked for while the program runs, with a record of what was tried. */
#ifndef BASE_DL_H
#define BASE_DL_H

#include <stdbool.h>

#include "base/buf.h"

/* Opens the first of the candidates that loads; one is a soname or a path, at whose beginning "$NAME" stands for an
 * environment variable (the candidate is passed over where that is not set). Each attempt adds "NAME: why not" or
 * "NAME: found" and a line end to `tried`. NULL: none loads. The library is never closed: drivers keep threads. */
void *dl_open_any(const char *const *candidates, struct buf *tried);

/* Stores the symbol's address in the pointer at `where`; false where there is none. */
bool dl_symbol(void *library, const char *name, void *where);

#endif
