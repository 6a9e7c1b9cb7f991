/* The trail of runs. Invariant: the names of a run are sorted and stand once each; names that are no variable of the
 * session when the cell ends are not among those read. */
#include "session/trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cell/array.h"
#include "cell/lua.h"
#include "cell/magic_line.h"
#include "session/internal.h"
#include "session/snapshot.h"

enum { RUNS = 4096 }; /* that are kept */

struct names {
    char **name;
    size_t count;
};

struct trail {
    struct trail_run *runs;
    size_t count;
    struct names read, written; /* of the cell that runs */
    struct err err;             /* of gathering them: the run is then left out */
};

/* ---- names --------------------------------------------------------------------------------------------------------- */

static void add_name(struct names *n, const char *name, struct err *e) {
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->name[i], name) == 0) return;
    char *copy = mem_strdup(name, e);
    char **place = copy ? ARRAY_PUSH(n->name, n->count, e) : NULL;
    if (place)
        *place = copy;
    else
        mem_free(copy);
}

static void free_names(char **name, size_t n) {
    for (size_t i = 0; i < n; i++) mem_free(name[i]);
    mem_free(name);
}

static void drop_names(struct names *n) {
    free_names(n->name, n->count);
    *n = (struct names){0};
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_name(char *const *name, int n, const char *wanted) {
    return n > 0 && bsearch(&wanted, name, (size_t)n, sizeof *name, by_name);
}

/* ---- runs ---------------------------------------------------------------------------------------------------------- */

static void free_run(struct trail_run *r) {
    free_names(r->read, (size_t)r->nread);
    free_names(r->written, (size_t)r->nwritten);
}

enum status trail_open(struct trail **out, struct err *e) {
    *out = mem_zalloc(sizeof **out, e);
    return e->status;
}

void trail_close(struct trail *t) {
    if (!t) return;
    for (size_t i = 0; i < t->count; i++) free_run(&t->runs[i]);
    mem_free(t->runs);
    drop_names(&t->read);
    drop_names(&t->written);
    mem_free(t);
}

void trail_begin(struct trail *t) {
    if (!t) return;
    drop_names(&t->read);
    drop_names(&t->written);
    t->err = (struct err){0};
}

void trail_add_source(struct trail *t, const char *source, size_t n) {
    struct cell_lua lua = {0};
    char name[128];
    if (!t) return;
    cell_lua_parse(source, n, &lua, &t->err);
    for (size_t i = 0; i < lua.free_count; i++) {
        const struct cell_free_name *f = &lua.free_names[i];
        const bool own = f->written && f->line < f->read_line; /* it reads what it wrote itself, on a line above */
        if (f->read && !own) add_name(&t->read, f->name, &t->err);
        if (f->written) add_name(&t->written, f->name, &t->err);
    }
    for (size_t i = 0; i < lua.local_count; i++) {
        for (size_t k = 0; k < lua.locals[i].count; k++) {
            const struct cell_span *s = &lua.locals[i].names[k].name;
            snprintf(name, sizeof name, "%.*s", (int)(s->end - s->begin), source + s->begin);
            add_name(&t->written, name, &t->err);
        }
    }
    cell_lua_free(&lua);
}

static void note_change(void *arg, lua_State *L, const char *name, bool known) {
    struct trail *t = arg;
    (void)L, (void)known;
    add_name(&t->written, name, &t->err);
}

static void keep_variable(void *arg, lua_State *L, const char *name) {
    struct names *variables = arg;
    struct err unused = {0};
    (void)L;
    add_name(variables, name, &unused);
}

/* Names read that are variables of the session now; the rest is Lua's own or nobody's. */
static void filter_read(struct session *s, struct trail *t) {
    struct names variables = {0};
    size_t kept = 0;
    session_each_local(s, keep_variable, &variables);
    session_each_global(s, keep_variable, &variables);
    if (variables.count > 0) qsort(variables.name, variables.count, sizeof(char *), by_name);
    for (size_t i = 0; i < t->read.count; i++) {
        if (has_name(variables.name, (int)variables.count, t->read.name[i]))
            t->read.name[kept++] = t->read.name[i];
        else
            mem_free(t->read.name[i]);
    }
    t->read.count = kept;
    drop_names(&variables);
}

static void make_room(struct trail *t) {
    if (t->count < RUNS) return;
    free_run(&t->runs[0]);
    memmove(t->runs, t->runs + 1, --t->count * sizeof *t->runs);
}

static void take_names(struct names *from, char ***to, int *n) {
    if (from->count > 0) qsort(from->name, from->count, sizeof(char *), by_name);
    *to = from->name;
    *n = (int)from->count;
    *from = (struct names){0};
}

void trail_end(struct session *s, const char *cell, const char *source, size_t n) {
    struct trail *t = s->trail;
    const char *same;
    if (!t) return;
    const struct snapshot *before = session_snapshot_before(s, 0, &same);
    if (before) snapshot_changes(before, note_change, t, &t->err);
    filter_read(s, t);
    make_room(t);
    struct trail_run *r = t->err.status ? NULL : ARRAY_PUSH(t->runs, t->count, &t->err);
    if (!r) return;
    *r = (struct trail_run){.source = trail_hash(source, n), .time = clock_date()};
    snprintf(r->cell, sizeof r->cell, "%s", cell);
    take_names(&t->read, &r->read, &r->nread);
    take_names(&t->written, &r->written, &r->nwritten);
}

void trail_each_name(struct trail *t, session_name_fn *fn, void *arg) {
    for (size_t i = 0; i < t->count; i++) fn(arg, t->runs[i].cell);
}

void trail_mark(struct trail *t, const char *cell, bool undone) {
    for (size_t i = t ? t->count : 0; i-- > 0;) {
        struct trail_run *r = &t->runs[i];
        if (r->undone == undone || strcmp(r->cell, cell) != 0) continue;
        r->undone = undone;
        return;
    }
}

/* ---- asking -------------------------------------------------------------------------------------------------------- */

/* Bytes before a magic's sign: the comment that it is in files. */
static size_t before_magic(const char *line, size_t n) {
    const enum cell_magic_kind kind = cell_magic_line(line, n).kind;
    const char *sign = kind == CELL_MAGIC_LINE || kind == CELL_MAGIC_CELL ? memchr(line, '%', n) : NULL;
    return sign ? (size_t)(sign - line) : 0;
}

uint32_t trail_hash(const char *source, size_t n) {
    while (n > 0 && strchr(" \t\r\n", source[n - 1])) n--;
    while (n > 0 && strchr(" \t\r\n", *source)) source++, n--;
    uLong crc = 0;
    for (size_t at = 0; at < n;) {
        const char *line = source + at, *end = memchr(line, '\n', n - at);
        const size_t size = end ? (size_t)(end - line) + 1 : n - at, skip = before_magic(line, size);
        crc = crc32(crc, (const Bytef *)line + skip, (uInt)(size - skip));
        at += size;
    }
    return (uint32_t)crc;
}

const struct trail *session_trail(const struct session *s) {
    return s->trail;
}

int trail_count(const struct trail *t) {
    return (int)t->count;
}

const struct trail_run *trail_at(const struct trail *t, int i) {
    return &t->runs[i];
}

bool trail_reads(const struct trail_run *r, const char *name) {
    return !r->undone && has_name(r->read, r->nread, name);
}

bool trail_writes(const struct trail_run *r, const char *name) {
    return !r->undone && has_name(r->written, r->nwritten, name);
}

int trail_writer(const struct trail *t, const char *name, int before) {
    int i = before - 1;
    while (i >= 0 && !trail_writes(&t->runs[i], name)) i--;
    return i;
}
