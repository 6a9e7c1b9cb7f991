/* The registry of drivers. Invariant: every driver in the list speaks DEVICE_ABI, or opening it is refused. */
#include "device/device.h"

#include <string.h>

#include "base/nearest.h"
#include "lists.h"

#define DECLARE(name) extern const struct device_driver device_driver_##name;
LIST_DRIVERS(DECLARE)

#define ENTRY(name) &device_driver_##name,
const struct device_driver *const device_drivers[] = {LIST_DRIVERS(ENTRY) NULL};

#define KIND(name) #name,
static const char *const kinds[] = {LIST_DRIVERS(KIND) NULL};

const struct device_driver *device_driver_find(const char *kind) {
    for (int i = 0; device_drivers[i]; i++)
        if (strcmp(device_drivers[i]->kind, kind) == 0) return device_drivers[i];
    return NULL;
}

enum status device_open(const char *kind, int index, struct device **out, struct err *e) {
    const struct device_driver *d = device_driver_find(kind);
    if (!d) {
        const char *near = nearest(kind, kinds);
        if (near) return err_set(e, ERR_NOT_FOUND, "no device '%s': did you mean '%s'?", kind, near);
        return err_set(e, ERR_NOT_FOUND, "no device '%s'", kind);
    }
    if (d->abi_version != DEVICE_ABI)
        return err_set(e, ERR_UNSUPPORTED, "device '%s' speaks ABI %u, this program %u", kind, d->abi_version,
                       (unsigned)DEVICE_ABI);
    return d->open(index, out, e);
}
