/* Counted bytes on a device. */
#include "base/mem.h"
#include "tensor/device.h"

static struct storage *storage_header(struct device *device, size_t bytes, struct err *e) {
    struct storage *s = mem_zalloc(sizeof *s, e);
    if (!s) return NULL;
    atomic_init(&s->refs, 1);
    s->device = device;
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
    *out = s;
    return OK;
}

struct storage *storage_retain(struct storage *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void storage_release(struct storage *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1) return;
    if (s->release)
        s->release(s->owner);
    else
        s->device->driver->free(s->device, s->handle, s->bytes);
    mem_free(s);
}

enum status storage_begin_write(struct storage *s, struct err *e) {
    if (s->readonly) return err_set(e, ERR_VALUE, "assignment destination is read-only: copy() it first");
    atomic_fetch_add_explicit(&s->version, 1, memory_order_relaxed);
    return OK;
}
