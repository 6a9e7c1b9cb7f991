/* A notebook as data: a `.cells` file (jupytext's percent format for Lua) taken apart into cells and put together
 * again. Whatever nobody touched is written back byte for byte. */
#ifndef CELL_NOTEBOOK_H
#define CELL_NOTEBOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum cell_kind { CELL_CODE, CELL_MARKDOWN, CELL_RAW };

struct cell {
    enum cell_kind kind;
    char *title; /* "" where the marker has none */
    int depth;   /* extra % signs of the marker: 0 = a cell, 1 = a sub-cell */
    json_t
        *metadata; /* an object, in the file's order: tags, device, timeout, anything; a key alone has the value null */
    char *source;  /* code: Lua as it stands in the file; markdown and raw: without the comment prefix. No blank lines
                         at the end, NUL-terminated, `size` bytes */
    size_t size;
    int line; /* of the source's first line in the file that was read, from 1; 0 for a cell that was not there */

    /* Its bytes in the file that was read, marker and following blank lines included; NULL once it was changed. */
    const char *raw;
    size_t raw_size;
};

struct notebook_warning {
    int line;
    char *text;
};

struct notebook {
    struct cell *cells;
    size_t count;
    char *path;   /* where it was read from or saved to last, or NULL */
    char *header; /* the YAML between the `-- ---` lines, without the comment prefix; NULL without a header */
    bool changed; /* since it was read or saved */
    struct notebook_warning *warnings;
    size_t warning_count;

    char *text; /* the file that was read, into which the cells' raw bytes point */
    size_t text_size;
    size_t head_size; /* of what stands in it before the first cell: `#!`, the header */
};

/* An empty notebook, without a path. */
enum status notebook_new(struct notebook **out, struct err *e);
/* Takes text apart. No content is an error: what looks wrong (broken key=JSON, a marker inside a long string, a bare
 * %magic) becomes a warning. Only memory can fail. Text before the first marker is a cell of its own; a file without
 * any marker is one code cell. */
enum status notebook_parse(const char *text, size_t n, struct notebook **out, struct err *e);
enum status notebook_read(const char *path, struct notebook **out, struct err *e);
void notebook_free(struct notebook *nb);

/* The file's text: untouched cells byte for byte, others in the canonical form (one blank line between cells unless
 * the file had none, one final newline, metadata as Python's json.dumps writes it, bare %magic lines as `-- %magic`). */
enum status notebook_write(const struct notebook *nb, struct buf *out, struct err *e);
/* Replaces the file as base/file.h does: on an error it is as it was. Afterwards `changed` is false and `path` is
 * nb->path. */
enum status notebook_save(struct notebook *nb, const char *path, struct err *e);

/* ---- changing it: cells are numbered from 0 -------------------------------------------------------------------------
 */

/* A new cell before cell `at` (at == count: at the end). */
enum status notebook_insert(struct notebook *nb, size_t at, enum cell_kind kind, const char *source, size_t n,
                            struct err *e);
void notebook_delete(struct notebook *nb, size_t at);
void notebook_move(struct notebook *nb, size_t from, size_t to);
enum status notebook_set_source(struct notebook *nb, size_t at, const char *source, size_t n, struct err *e);
enum status notebook_set_title(struct notebook *nb, size_t at, const char *title, struct err *e);
/* Takes over the reference to value; NULL removes the key. */
enum status notebook_set_metadata(struct notebook *nb, size_t at, const char *key, json_t *value, struct err *e);

/* ---- two texts of one notebook --------------------------------------------------------------------------------------
 */

/* Kind, title, metadata and source; not the spacing. */
bool cell_same(const struct cell *a, const struct cell *b);
/* from[i] becomes the cell of `old` that cell i of `new` continues, or -1: it is new. Cells that are alike belong together
 * wherever they stand, so that one that was moved is found; then those of the same title; then what is left between the
 * same neighbours, which was edited. `from` has room for new->count. */
enum status notebook_match(const struct notebook *old, const struct notebook *new, int *from, struct err *e);

/* Changes that were made to `base` twice, put together. ERR_STATE: not without choosing, since a cell was changed on both
 * sides, or cells came, went or moved on both. */
enum status notebook_merge(const struct notebook *base, const struct notebook *a, const struct notebook *b,
                           struct notebook **out, struct err *e);

/* ---- what the metadata says -----------------------------------------------------------------------------------------
 */

bool cell_has_tag(const struct cell *c, const char *tag);
const char *cell_device(const struct cell *c); /* NULL: the runtime's */
double cell_timeout(const struct cell *c);     /* seconds, 0: none */

#endif
