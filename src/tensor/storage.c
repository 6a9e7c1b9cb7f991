/* Counted bytes on a device. Invariant: a device's list holds each of its storages once, as long as it lives. */
#include <pthread.h>

#include "base/mem.h"
#include "tensor/device.h"

static pthread_mutex_t lists = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t holds = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t let_go = PTHREAD_COND_INITIALIZER;
static atomic_uint_least64_t ids;

static void link_storage(struct storage *s) {
    pthread_mutex_lock(&lists);
    s->previous = NULL;
    s->next = s->device->storages;
    if (s->next) s->next->previous = s;
    s->device->storages = s;
    pthread_mutex_unlock(&lists);
}

static void unlink_storage(struct storage *s) {
    pthread_mutex_lock(&lists);
    if (s->next) s->next->previous = s->previous;
    *(s->previous ? &s->previous->next : &s->device->storages) = s->next;
    pthread_mutex_unlock(&lists);
}

static struct storage *storage_header(struct device *device, size_t bytes, struct err *e) {
    struct storage *s = mem_zalloc(sizeof *s, e);
    if (!s) return NULL;
    atomic_init(&s->refs, 1);
    s->id = atomic_fetch_add_explicit(&ids, 1, memory_order_relaxed);
    s->device = device;
    s->epoch = device->epoch;
    s->bytes = bytes;
    return s;
}

enum status storage_new(struct device *device, size_t bytes, struct storage **out, struct err *e) {
    struct storage *s = storage_header(device, bytes, e);
    if (!s) return e->status;
    if (device->driver->alloc(device, bytes, &s->handle, e)) {
        mem_free(s);
        return e->status;
    }
    link_storage(s);
    *out = s;
    return OK;
}

enum status storage_borrow(struct device *cpu, const void *bytes, size_t n, void (*release)(void *), void *owner,
                           struct storage **out, struct err *e) {
    struct storage *s = storage_header(cpu, n, e);
    if (!s) return e->status;
    s->handle = (void *)bytes;
    s->readonly = true;
    s->release = release;
    s->owner = owner;
    link_storage(s);
    *out = s;
    return OK;
}

struct storage *storage_retain(struct storage *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

static void give_back(struct storage *s) {
    if (s->release)
        s->release(s->owner);
    else
        s->device->driver->free(s->device, s->handle, s->bytes);
}

void storage_release(struct storage *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1) return;
    unlink_storage(s);
    give_back(s);
    mem_free(s);
}

size_t storage_list(struct device *device, struct storage **out, size_t cap) {
    size_t n = 0;
    pthread_mutex_lock(&lists);
    for (struct storage *s = device->storages; s; s = s->next, n++)
        if (n < cap) out[n] = s;
    pthread_mutex_unlock(&lists);
    return n;
}

void storage_hold(struct storage *s) {
    atomic_fetch_add(&s->holds, 1);
}

void storage_let_go(struct storage *s) {
    pthread_mutex_lock(&holds);
    atomic_fetch_sub(&s->holds, 1);
    pthread_cond_broadcast(&let_go);
    pthread_mutex_unlock(&holds);
}

static void wait_for_holders(struct storage *s) {
    if (!atomic_load(&s->holds)) return;
    pthread_mutex_lock(&holds);
    while (atomic_load(&s->holds)) pthread_cond_wait(&let_go, &holds);
    pthread_mutex_unlock(&holds);
}

void storage_rehome(struct storage *s, struct device *to, void *handle) {
    wait_for_holders(s);
    unlink_storage(s);
    give_back(s);
    s->device = to;
    s->handle = handle;
    s->release = NULL;
    s->owner = NULL;
    link_storage(s);
}

enum status storage_begin_write(struct storage *s, struct err *e) {
    if (s->readonly) return err_set(e, ERR_VALUE, "assignment destination is read-only: copy() it first");
    wait_for_holders(s);
    atomic_fetch_add_explicit(&s->version, 1, memory_order_relaxed);
    struct device *d = s->device;
    if (s->epoch != d->epoch && d->before_write) d->before_write(d->before_write_arg, s);
    s->epoch = d->epoch;
    return OK;
}
