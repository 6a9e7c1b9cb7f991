/* A notebook put together again, and saved so that the file is always either the old or the new one. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cell/magic_line.h"
#include "cell/notebook_internal.h"

/* ---- text ----------------------------------------------------------------------------------------------------------- */

/* jupytext indents a marker as the cell's first line. */
static void put_indent(const struct cell *c, struct buf *out) {
    size_t n = 0;
    while (n < c->size && (c->source[n] == ' ' || c->source[n] == '\t')) n++;
    bool blank = n == c->size || c->source[n] == '\n' || c->source[n] == '\r';
    if (c->kind == CELL_CODE && !blank) buf_put(out, c->source, n);
}

/* Bare magics become comments, so that the file is Lua. */
static void put_code(const struct cell *c, struct buf *out) {
    struct cell_magic m;
    size_t at = 0;
    for (size_t from = 0; cell_magic_next(c->source, c->size, from, &m); from = m.line.end) {
        if (m.commented || m.kind == CELL_MAGIC_HELP || m.kind == CELL_MAGIC_SHELL) continue;
        size_t percent = m.line.begin;
        while (c->source[percent] != '%') percent++;
        buf_put(out, c->source + at, percent - at);
        buf_puts(out, "-- ");
        at = percent;
    }
    buf_put(out, c->source + at, c->size - at);
    if (c->size) buf_putc(out, '\n');
}

static void put_comment(const struct cell *c, struct buf *out) {
    size_t at = 0;
    do {
        size_t next, n = line_length(c->source, c->size, at, &next);
        buf_puts(out, n ? "-- " : "--");
        buf_put(out, c->source + at, n);
        buf_putc(out, '\n');
        at = next;
    } while (at < c->size);
}

static bool ends_with(const struct buf *b, const char *text) {
    size_t n = strlen(text);
    return b->len >= n && !memcmp(b->data + b->len - n, text, n);
}

/* Whether the file as it was read has cells right behind each other, without a blank line anywhere between two. */
static bool is_compact(const struct notebook *nb) {
    static const char marker[] = "\n-- %%";
    const char *at = nb->text ? nb->text + nb->head_size : NULL, *end = nb->text ? nb->text + nb->text_size : NULL;
    int close = 0;
    for (; at && (at = memmem(at, (size_t)(end - at), marker, sizeof marker - 1)); at++) {
        const char *behind = at + sizeof marker - 1, *before = at;
        if (behind < end && !strchr(" \t\r\n", *behind)) continue; /* a magic */
        if (before > nb->text && before[-1] == '\r') before--;
        if (before > nb->text && before[-1] == '\n') return false;
        close++;
    }
    return close > 0;
}

/* One blank line before a cell that does not stand where it stood in the file, where the file has such. */
static void put_separator(bool compact, struct buf *out) {
    if (!out->len) return;
    if (!ends_with(out, "\n")) buf_putc(out, '\n');
    if (compact) return;
    if (!ends_with(out, "\n\n") && !ends_with(out, "\n\r\n")) buf_putc(out, '\n');
}

static void put_cell(const struct cell *c, struct buf *out) {
    if (c->raw) {
        buf_put(out, c->raw, c->raw_size);
        return;
    }
    put_indent(c, out);
    marker_write(c, out);
    buf_putc(out, '\n');
    (c->kind == CELL_CODE ? put_code : put_comment)(c, out);
}

enum status notebook_write(const struct notebook *nb, struct buf *out, struct err *e) {
    struct buf text = {0};
    const bool compact = is_compact(nb);
    buf_put(&text, nb->text ? nb->text : "", nb->head_size);
    const char *end = nb->text ? nb->text + nb->head_size : NULL;
    for (size_t i = 0; i < nb->count; i++) {
        const struct cell *c = &nb->cells[i];
        if (!c->raw || c->raw != end) put_separator(compact, &text);
        put_cell(c, &text);
        end = c->raw ? c->raw + c->raw_size : NULL;
    }
    bool as_read = nb->text && end == nb->text + nb->text_size;
    while (!as_read && ends_with(&text, "\n\n")) text.len--;
    if (buf_status(&text, e) == OK) buf_put(out, buf_text(&text), text.len);
    buf_free(&text);
    return e->status == OK ? buf_status(out, e) : e->status;
}

/* ---- file ----------------------------------------------------------------------------------------------------------- */

enum status notebook_save(struct notebook *nb, const char *path, struct err *e) {
    struct buf text = {0};
    char *name = mem_strdup(path, e);
    if (name && notebook_write(nb, &text, e) == OK) file_replace(path, buf_text(&text), text.len, e);
    buf_free(&text);
    if (e->status != OK) {
        mem_free(name);
        return e->status;
    }
    mem_free(nb->path);
    nb->path = name;
    nb->changed = false;
    return OK;
}
