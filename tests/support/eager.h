/* An emitter that runs each op at once on a device, without run/: views are views, and inputs that a kernel cannot take
 * as they lie are copied. */
#ifndef SUPPORT_EAGER_H
#define SUPPORT_EAGER_H

#include "op/emit.h"
#include "tensor/device.h"

/* Close it with op_emitter_close. */
struct op_emitter eager_emitter(struct device *d, struct err *e);

#endif
