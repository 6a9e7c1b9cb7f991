/* The record of %tune, in $XDG_STATE_HOME/celda/tuned.json: {"PROCESSOR, KERNELS": [[ALGORITHM, NUMBER...], ...], ...}.
 * Invariant: whatever stands in the file, only an algorithm that supports a convolution is found for it. */
#include "device/cpu/tuned.h"

#include <limits.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/state.h"

enum { NUMBERS = 18 };

struct cpu_tuned {
    int64_t key[NUMBERS];
    const struct cpu_conv_algorithm *algorithm;
};

static void key_of(const struct cpu_conv *g, enum cpu_conv_pass pass, int64_t key[NUMBERS]) {
    const int64_t all[NUMBERS] = {pass,         g->dtype,     g->n,         g->h,           g->w,
                                  g->c,         g->kh,        g->kw,        g->o,           g->oh,
                                  g->ow,        g->stride[0], g->stride[1], g->dilation[0], g->dilation[1],
                                  g->before[0], g->before[1], g->groups};
    memcpy(key, all, sizeof all);
}

static struct cpu_tuned *find(const struct cpu *c, const int64_t key[NUMBERS]) {
    for (int i = 0; i < c->ntuned; i++)
        if (memcmp(c->tuned[i].key, key, sizeof c->tuned[i].key) == 0) return &c->tuned[i];
    return NULL;
}

const struct cpu_conv_algorithm *cpu_tuned_find(const struct cpu *c, const struct cpu_conv *g,
                                                enum cpu_conv_pass pass) {
    int64_t key[NUMBERS];
    if (c->ntuned == 0) return NULL;
    key_of(g, pass, key);
    const struct cpu_tuned *t = find(c, key);
    return t && t->algorithm->supports(g, pass) ? t->algorithm : NULL;
}

static enum status add(struct cpu *c, const int64_t key[NUMBERS], const struct cpu_conv_algorithm *a, struct err *e) {
    struct cpu_tuned *t = find(c, key);
    if (!t) {
        struct cpu_tuned *more = mem_realloc(c->tuned, sizeof *more * (size_t)(c->ntuned + 1), e);
        if (!more) return e->status;
        c->tuned = more;
        t = &more[c->ntuned++];
        memcpy(t->key, key, sizeof t->key);
    }
    t->algorithm = a;
    return OK;
}

enum status cpu_tuned_add(struct cpu *c, const struct cpu_conv *g, enum cpu_conv_pass pass,
                          const struct cpu_conv_algorithm *a, struct err *e) {
    int64_t key[NUMBERS];
    key_of(g, pass, key);
    return add(c, key, a, e);
}

int cpu_tuned_count(const struct cpu *c) {
    return c->ntuned;
}

void cpu_tuned_clear(struct cpu *c) {
    mem_free(c->tuned);
    c->tuned = NULL;
    c->ntuned = 0;
}

/* ---- the file ------------------------------------------------------------------------------------------------------- */

static void put_name(const struct cpu *c, struct buf *out) {
    char model[256];
    cpu_model_name(model, sizeof model);
    buf_printf(out, "%s, %s", model, c->isa->name);
}

/* All records of the file; a new object where there is none that can be read. */
static json_t *read_file(const char *path) {
    struct buf text = {0};
    struct err e = {0};
    json_t *all = buf_read_file(&text, path, &e) == OK ? json_parse(buf_text(&text), text.len, &e) : NULL;
    buf_free(&text);
    if (json_is_object(all)) return all;
    json_decref(all);
    return json_object();
}

/* One entry; what does not hold together is passed over. */
static void read_entry(struct cpu *c, const json_t *entry) {
    int64_t key[NUMBERS];
    struct err e = {0};
    const struct cpu_conv_algorithm *a = cpu_conv_find(json_string_value(json_array_get(entry, 0)));
    if (!a || json_array_size(entry) != NUMBERS + 1) return;
    for (size_t i = 0; i < NUMBERS; i++) key[i] = json_integer_value(json_array_get(entry, i + 1));
    add(c, key, a, &e);
}

void cpu_tuned_read(struct cpu *c) {
    char path[PATH_MAX];
    struct buf name = {0};
    struct err e = {0};
    if (state_path("tuned.json", path, sizeof path, &e)) return;
    json_t *all = read_file(path);
    if (json_object_size(all) > 0) put_name(c, &name); /* opens another file */
    const json_t *mine = json_object_get(all, buf_text(&name));
    for (size_t i = 0; i < json_array_size(mine); i++) read_entry(c, json_array_get(mine, i));
    json_decref(all);
    buf_free(&name);
}

static json_t *make_entry(const struct cpu_tuned *t) {
    json_t *entry = json_array();
    json_array_append_new(entry, json_string(t->algorithm->name));
    for (int i = 0; i < NUMBERS; i++) json_array_append_new(entry, json_integer(t->key[i]));
    return entry;
}

enum status cpu_tuned_write(const struct cpu *c, struct err *e) {
    char path[PATH_MAX];
    struct buf name = {0}, text = {0};
    if (state_path("tuned.json", path, sizeof path, e)) return e->status;
    json_t *all = read_file(path), *mine = json_array();
    put_name(c, &name);
    for (int i = 0; i < c->ntuned; i++) json_array_append_new(mine, make_entry(&c->tuned[i]));
    json_object_set_new(all, buf_text(&name), mine);
    json_write(all, 0, true, &text);
    if (buf_status(&text, e) == OK) file_replace(path, buf_text(&text), text.len, e);
    buf_free(&name);
    buf_free(&text);
    json_decref(all);
    return e->status;
}
