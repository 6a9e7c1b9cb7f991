/* A notebook's life and its changes; a changed cell loses its raw bytes and so is written in the canonical form. */
#include "cell/notebook.h"

#include <string.h>

#include "base/mem.h"
#include "cell/array.h"
#include "cell/notebook_internal.h"

enum status notebook_new(struct notebook **out, struct err *e) {
    *out = mem_zalloc(sizeof **out, e);
    return e->status;
}

void cell_clear(struct cell *c) {
    mem_free(c->title);
    mem_free(c->source);
    json_decref(c->metadata);
}

void notebook_free(struct notebook *nb) {
    if (!nb) return;
    for (size_t i = 0; i < nb->count; i++) cell_clear(&nb->cells[i]);
    for (size_t i = 0; i < nb->warning_count; i++) mem_free(nb->warnings[i].text);
    mem_free(nb->cells);
    mem_free(nb->warnings);
    mem_free(nb->path);
    mem_free(nb->header);
    mem_free(nb->text);
    mem_free(nb);
}

/* ---- changes -------------------------------------------------------------------------------------------------------- */

static void touch(struct notebook *nb, struct cell *c) {
    c->raw = NULL;
    c->raw_size = 0;
    nb->changed = true;
}

enum status notebook_insert(struct notebook *nb, size_t at, enum cell_kind kind, const char *source, size_t n,
                            struct err *e) {
    struct cell c = {.kind = kind, .size = source_length(source, n), .title = copy_text("", 0, e)};
    c.source = c.title ? copy_text(source, c.size, e) : NULL;
    c.metadata = json_object();
    if (!c.metadata) err_set(e, ERR_MEMORY, "a cell's metadata");
    if (e->status != OK || !ARRAY_PUSH(nb->cells, nb->count, e)) {
        cell_clear(&c);
        return e->status;
    }
    memmove(&nb->cells[at + 1], &nb->cells[at], (nb->count - 1 - at) * sizeof *nb->cells);
    nb->cells[at] = c;
    nb->changed = true;
    return OK;
}

void notebook_delete(struct notebook *nb, size_t at) {
    cell_clear(&nb->cells[at]);
    nb->count--;
    memmove(&nb->cells[at], &nb->cells[at + 1], (nb->count - at) * sizeof *nb->cells);
    nb->changed = true;
}

void notebook_move(struct notebook *nb, size_t from, size_t to) {
    struct cell c = nb->cells[from];
    if (from < to)
        memmove(&nb->cells[from], &nb->cells[from + 1], (to - from) * sizeof c);
    else
        memmove(&nb->cells[to + 1], &nb->cells[to], (from - to) * sizeof c);
    nb->cells[to] = c;
    nb->changed = true;
}

/* Replaces the text that *field points to. */
static enum status replace(struct notebook *nb, struct cell *c, char **field, const char *s, size_t n, struct err *e) {
    char *copy = copy_text(s, n, e);
    if (!copy) return e->status;
    mem_free(*field);
    *field = copy;
    touch(nb, c);
    return OK;
}

enum status notebook_set_source(struct notebook *nb, size_t at, const char *source, size_t n, struct err *e) {
    struct cell *c = &nb->cells[at];
    size_t size = source_length(source, n);
    if (replace(nb, c, &c->source, source, size, e) == OK) c->size = size;
    return e->status;
}

enum status notebook_set_title(struct notebook *nb, size_t at, const char *title, struct err *e) {
    struct cell *c = &nb->cells[at];
    return replace(nb, c, &c->title, title, strlen(title), e);
}

enum status notebook_set_metadata(struct notebook *nb, size_t at, const char *key, json_t *value, struct err *e) {
    struct cell *c = &nb->cells[at];
    if (!value)
        json_object_del(c->metadata, key);
    else if (json_object_set_new(c->metadata, key, value) != 0)
        return err_set(e, ERR_VALUE, "cannot keep %s in a cell's metadata", key);
    touch(nb, c);
    return OK;
}

/* ---- what the metadata says ----------------------------------------------------------------------------------------- */

bool cell_has_tag(const struct cell *c, const char *tag) {
    const json_t *tags = json_object_get(c->metadata, "tags");
    if (json_is_string(tags)) return !strcmp(json_string_value(tags), tag);
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *t = json_string_value(json_array_get(tags, i));
        if (t && !strcmp(t, tag)) return true;
    }
    return false;
}

const char *cell_device(const struct cell *c) {
    return json_string_value(json_object_get(c->metadata, "device"));
}

double cell_timeout(const struct cell *c) {
    double seconds = json_number_value(json_object_get(c->metadata, "timeout"));
    return seconds > 0 ? seconds : 0;
}
