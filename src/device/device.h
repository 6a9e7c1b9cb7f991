/* The drivers this binary has, found by their kind. The list is generated: a driver is one folder here. */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include "tensor/device.h"

/* Every driver, in alphabetical order; ends with NULL. */
extern const struct device_driver *const device_drivers[];

/* The driver of that kind ("cpu"), or NULL. */
const struct device_driver *device_driver_find(const char *kind);

/* Opens device `index` of a kind. ERR_NOT_FOUND names the nearest kind; ERR_UNSUPPORTED carries the driver's reason.
 * The caller closes it with out->driver->close. */
enum status device_open(const char *kind, int index, struct device **out, struct err *e);

#endif
