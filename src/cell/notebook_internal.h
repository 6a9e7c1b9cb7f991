/* What the notebook's files share; nobody outside cell/ includes it. */
#ifndef CELL_NOTEBOOK_INTERNAL_H
#define CELL_NOTEBOOK_INTERNAL_H

#include "cell/lua.h"
#include "cell/notebook.h"

/* Metadata that cannot be read is kept as text under this key, as jupytext does. */
#define MARKER_UNREADABLE "incorrectly_encoded_metadata"

/* Whether [line, line + n), without its line end, starts a cell. */
bool marker_is(const char *line, size_t n);
/* Fills kind, title, depth and metadata of a new cell from such a line. Unreadable metadata is no error. */
enum status marker_parse(const char *line, size_t n, struct cell *c, struct err *e);
/* "-- %% Title [markdown] tags=["slow"]", without line end. */
void marker_write(const struct cell *c, struct buf *out);

/* The length of the line at `at`, without its end; *next is where the following line starts. */
size_t line_length(const char *s, size_t n, size_t at, size_t *next);
bool line_is_blank(const char *s, size_t n);
/* Of a source without the blank lines at its end and without its last line's end. */
size_t source_length(const char *s, size_t n);
/* How much of "-- " or "--" the line starts with. */
size_t comment_prefix(const char *s, size_t n);
char *copy_text(const char *s, size_t n, struct err *e);

void cell_clear(struct cell *c);

#endif
