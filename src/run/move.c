/* Moving between devices: one tensor, or all that lives on the runtime device. Storages move, not tensors, so that views
 * still share, and whoever holds a tensor (Lua, a tape, a graph) need not be known. Invariant: a move is whole or nothing. */
#include "base/mem.h"
#include "run/internal.h"

enum { BOUNCE = 16 << 20 }; /* bytes that cross the host at once between two devices whose memory is not the host's */

enum status run_move(struct run *r, struct tensor *t, struct device *d, struct tensor **out, struct err *e) {
    struct tensor *whole;
    if (tensor_device(t) == d) {
        *out = tensor_retain(t);
        return OK;
    }
    if (run_contiguous(r, t, &whole, e)) return e->status;
    void *host = mem_block_alloc(tensor_bytes(whole), e);
    if (host && tensor_read(whole, host, e) == OK) tensor_from(d, t->dtype, &t->shape, host, out, e);
    mem_block_free(host);
    tensor_release(whole);
    return e->status;
}

/* ---- all of a device's storages ----------------------------------------------------------------------------------- */

struct move {
    struct run *run;
    struct device *from, *to;
    size_t n, bytes;
    struct storage **storage; /* retained: lack of memory has Lua collect its garbage */
    void **handle;            /* by storage: the buffer on `to`; NULL: none yet */
    void *bounce;             /* BOUNCE bytes of the host's, where neither side's memory is the host's */
};

static enum status collect(struct move *m, struct err *e) {
    m->n = storage_list(m->from, NULL, 0);
    m->storage = mem_zalloc(sizeof(struct storage *) * (m->n + 1), e);
    m->handle = mem_zalloc(sizeof(void *) * (m->n + 1), e);
    if (e->status) {
        m->n = 0;
        return e->status;
    }
    const size_t n = storage_list(m->from, m->storage, m->n);
    if (n < m->n) m->n = n;
    for (size_t i = 0; i < m->n; i++) m->bytes += storage_retain(m->storage[i])->bytes;
    if (m->from != m->run->cpu && m->to != m->run->cpu) m->bounce = mem_block_alloc(BOUNCE, e);
    return e->status;
}

static enum status check_room(const struct move *m, struct err *e) {
    const double mb = 1 << 20;
    struct device_memory there;
    m->to->driver->memory(m->to, &there);
    const size_t free = there.limit > there.used ? there.limit - there.used : 0;
    if (m->bytes <= free) return OK;
    return err_set(e, ERR_MEMORY, "%.1f MB would have to move to %s, which has %.1f MB free of %.1f MB",
                   (double)m->bytes / mb, m->to->name, (double)free / mb, (double)there.limit / mb);
}

/* The cpu's handles are addresses. */
static enum status copy(const struct move *m, const struct storage *s, void *handle, struct err *e) {
    const struct device_driver *from = m->from->driver, *to = m->to->driver;
    uint64_t ticket;
    if (m->from == m->run->cpu) return to->copy_in(m->to, handle, 0, s->handle, s->bytes, &ticket, e);
    if (m->to == m->run->cpu) return from->copy_out(m->from, s->handle, 0, handle, s->bytes, &ticket, e);
    for (size_t at = 0; at < s->bytes; at += BOUNCE) {
        const size_t n = s->bytes - at < BOUNCE ? s->bytes - at : BOUNCE;
        if (from->copy_out(m->from, s->handle, at, m->bounce, n, &ticket, e) || from->wait(m->from, ticket, e) ||
            to->copy_in(m->to, handle, at, m->bounce, n, &ticket, e) || to->wait(m->to, ticket, e))
            return e->status;
    }
    return OK;
}

/* Every storage's bytes on the other device, complete. */
static enum status copy_all(struct move *m, struct err *e) {
    for (size_t i = 0; i < m->n; i++) {
        struct storage *s = m->storage[i];
        if (m->to->driver->alloc(m->to, s->bytes, &m->handle[i], e)) {
            m->handle[i] = NULL;
            return e->status;
        }
        if (s->bytes && copy(m, s, m->handle[i], e)) return e->status;
    }
    return m->from->driver->sync(m->from, e) == OK ? m->to->driver->sync(m->to, e) : e->status;
}

static void finish(struct move *m, bool moved) {
    for (size_t i = 0; i < m->n; i++) {
        if (moved)
            storage_rehome(m->storage[i], m->to, m->handle[i]);
        else if (m->handle[i])
            m->to->driver->free(m->to, m->handle[i], m->storage[i]->bytes);
        storage_release(m->storage[i]);
    }
    mem_block_free(m->bounce);
    mem_free(m->storage);
    mem_free(m->handle);
}

enum status run_set_device(struct run *r, const char *name, struct err *e) {
    struct move m = {.run = r, .from = r->device};
    if (r->trace) return err_set(e, ERR_STATE, "the device cannot change while a computation is being traced");
    if (run_device(r, name, &m.to, e) || m.to == m.from) return e->status;
    if (m.to->driver->forgets)
        return err_set(e, ERR_UNSUPPORTED, "the session cannot move to %s, which keeps no values", m.to->name);
    if (m.from->driver->sync(m.from, e)) return e->status;
    for (struct variable *v = r->variables; v; v = v->next) variable_drop_spare(v);
    const bool moved = collect(&m, e) == OK && check_room(&m, e) == OK && copy_all(&m, e) == OK;
    for (int i = 0; i < 2 && !moved; i++) { /* what was queued reads or writes bytes of ours */
        struct device *d = i ? m.from : m.to;
        d->driver->sync(d, &(struct err){0});
    }
    finish(&m, moved);
    if (moved) r->device = m.to;
    return e->status;
}
