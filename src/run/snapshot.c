/* Snapshots of the runtime. Invariant: a storage is written for the first time since the recording snapshot was taken only
 * after that snapshot has its bytes or is lost; variables' values are never overwritten while anybody else holds them, so a
 * reference keeps them. */
#include <string.h>

#include "base/mem.h"
#include "run/internal.h"

/* A storage and the bytes it had. */
struct kept_bytes {
    struct kept_bytes *next;
    struct storage *storage; /* retained */
    void *bytes;
};

struct kept_value {
    struct variable *variable; /* retained */
    struct tensor *value;      /* retained */
    bool trainable;
};

struct run_snapshot {
    struct run *run;
    struct device *device;
    int nvariable;
    struct kept_value *variable;
    struct kept_bytes *bytes;
    size_t size, budget;
    struct err lost; /* why it cannot be gone back to; OK: it can */
    struct rng_mt seeds;
    uint32_t seed;
    bool seeded, seeds_ready;
    struct run_name *names;
};

/* ---- bytes --------------------------------------------------------------------------------------------------------- */

static enum status read_bytes(struct storage *from, void *to, struct err *e) {
    struct device *d = from->device;
    uint64_t ticket;
    if (d->driver->copy_out(d, from->handle, 0, to, from->bytes, &ticket, e)) return e->status;
    return d->driver->wait(d, ticket, e);
}

static enum status write_bytes(struct storage *to, const void *from, struct err *e) {
    struct device *d = to->device;
    uint64_t ticket;
    if (storage_begin_write(to, e) || d->driver->copy_in(d, to->handle, 0, from, to->bytes, &ticket, e))
        return e->status;
    return d->driver->wait(d, ticket, e);
}

static void free_bytes(struct kept_bytes *b) {
    storage_release(b->storage);
    mem_block_free(b->bytes);
    mem_free(b);
}

static void forget_bytes(struct run_snapshot *s) {
    while (s->bytes) {
        struct kept_bytes *b = s->bytes;
        s->bytes = b->next;
        free_bytes(b);
    }
    s->size = 0;
}

/* A copy of a storage's bytes; NULL with the error set. */
static struct kept_bytes *copy_bytes(struct storage *storage, struct err *e) {
    struct kept_bytes *b = mem_zalloc(sizeof *b, e);
    if (!b) return NULL;
    b->storage = storage_retain(storage);
    b->bytes = mem_block_alloc(storage->bytes, e);
    if (b->bytes && read_bytes(storage, b->bytes, e) == OK) return b;
    free_bytes(b);
    return NULL;
}

static void lose(struct run_snapshot *s, const struct err *why) {
    s->lost = *why;
    forget_bytes(s);
}

/* What cannot be kept costs the snapshot, never the write. */
static void before_write(void *arg, struct storage *storage) {
    const struct run *r = arg;
    struct run_snapshot *s = r->recording;
    struct err e = {0};
    if (!s || s->lost.status) return;
    if (s->size + storage->bytes > s->budget) {
        err_set(&e, ERR_MEMORY, "more than %.0f MB of tensors were overwritten", (double)s->budget / 1e6);
        lose(s, &e);
        return;
    }
    struct kept_bytes *b = copy_bytes(storage, &e);
    if (r->recording != s) { /* memory was short, and make_room freed it */
        if (b) free_bytes(b);
    } else if (b) {
        b->next = s->bytes;
        s->bytes = b;
        s->size += storage->bytes;
    } else {
        lose(s, &e);
    }
}

/* ---- taking -------------------------------------------------------------------------------------------------------- */

static enum status keep_variables(struct run_snapshot *s, struct err *e) {
    size_t n = 0;
    for (const struct variable *v = s->run->variables; v; v = v->next) n++;
    s->variable = mem_alloc(n * sizeof *s->variable, e);
    if (!s->variable) return e->status;
    for (struct variable *v = s->run->variables; v; v = v->next)
        s->variable[s->nvariable++] = (struct kept_value){variable_retain(v), tensor_retain(v->value), v->trainable};
    return OK;
}

static void begin_recording(struct run *r, struct run_snapshot *s) {
    r->recording = s;
    r->epoch++;
    for (int i = 0; i < r->nopen; i++) run_watch_writes(r, r->open[i]);
}

void run_watch_writes(struct run *r, struct device *d) {
    d->before_write = before_write;
    d->before_write_arg = r;
    d->epoch = r->epoch;
}

enum status run_snapshot_new(struct run *r, size_t budget, struct run_snapshot **out, struct err *e) {
    if (r->trace) return err_set(e, ERR_STATE, "no snapshot can be taken while a computation is being traced");
    struct run_snapshot *s = mem_zalloc(sizeof *s, e);
    if (!s) return e->status;
    *s = (struct run_snapshot){.run = r, .device = r->device, .budget = budget, .seeds = r->seeds, .seed = r->seed};
    s->seeded = r->seeded;
    s->seeds_ready = r->seeds_ready;
    if (keep_variables(s, e) || run_copy_names(r->names, &s->names, e)) {
        run_snapshot_free(s);
        return e->status;
    }
    begin_recording(r, s);
    *out = s;
    return OK;
}

void run_snapshot_free(struct run_snapshot *s) {
    if (!s) return;
    if (s->run->recording == s) s->run->recording = NULL;
    forget_bytes(s);
    for (int i = 0; i < s->nvariable; i++) {
        variable_release(s->variable[i].variable);
        tensor_release(s->variable[i].value);
    }
    run_free_names(&s->names);
    mem_free(s->variable);
    mem_free(s);
}

/* ---- going back ---------------------------------------------------------------------------------------------------- */

static void restore_variables(const struct run_snapshot *s) {
    for (int i = 0; i < s->nvariable; i++) {
        const struct kept_value *k = &s->variable[i];
        struct tensor *before = k->variable->value;
        k->variable->value = tensor_retain(k->value);
        k->variable->trainable = k->trainable;
        variable_drop_spare(k->variable);
        tensor_release(before);
    }
}

enum status run_snapshot_restore(struct run_snapshot *s, struct err *e) {
    struct run *r = s->run;
    struct run_name *names;
    if (s->lost.status) return err_set(e, ERR_STATE, "%s", s->lost.text);
    if (r->device != s->device && run_set_device(r, s->device->name, e)) return e->status;
    if (run_copy_names(s->names, &names, e)) return e->status;
    for (const struct kept_bytes *b = s->bytes; b && e->status == OK; b = b->next) write_bytes(b->storage, b->bytes, e);
    if (e->status) {
        run_free_names(&names);
        return e->status;
    }
    restore_variables(s);
    run_free_names(&r->names);
    r->names = names;
    r->seeds = s->seeds;
    r->seed = s->seed;
    r->seeded = s->seeded;
    r->seeds_ready = s->seeds_ready;
    return OK;
}

bool run_snapshot_written(const struct run_snapshot *s, const struct storage *storage) {
    for (const struct kept_bytes *b = s->bytes; b; b = b->next)
        if (b->storage == storage) return true;
    return false;
}

bool run_snapshot_assigned(const struct run_snapshot *s, const struct variable *v) {
    for (int i = 0; i < s->nvariable; i++)
        if (s->variable[i].variable == v) return s->variable[i].value != v->value;
    return true;
}

static bool same_value(const struct kept_value *a, const struct kept_value *b) {
    return a->variable == b->variable && a->value == b->value && a->trainable == b->trainable;
}

bool run_snapshot_same(const struct run_snapshot *s, const struct run_snapshot *next) {
    if (s->lost.status || s->bytes || s->device != next->device || s->nvariable != next->nvariable) return false;
    if (run_count_names(s->names) != run_count_names(next->names) ||
        memcmp(&s->seeds, &next->seeds, sizeof s->seeds) != 0)
        return false;
    for (int i = 0; i < s->nvariable; i++)
        if (!same_value(&s->variable[i], &next->variable[i])) return false;
    return s->seed == next->seed && s->seeded == next->seeded && s->seeds_ready == next->seeds_ready;
}

size_t run_snapshot_bytes(const struct run_snapshot *s) {
    size_t bytes = s->size;
    for (int i = 0; i < s->nvariable; i++)
        if (s->variable[i].variable->value != s->variable[i].value) bytes += tensor_bytes(s->variable[i].value);
    return bytes;
}
