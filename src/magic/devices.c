/* %devices: what was found, and for what was not, why. */
#include "magic/magic.h"
#include "run/run.h"

const char *const magic_device_names[] = {"cpu", "gpu", "opencl", "tpu", NULL};

static enum status run(const struct magic_call *c, struct err *e) {
    struct run *r = session_runtime(c->session);
    (void)e;
    for (const char *const *name = magic_device_names; *name; name++) {
        struct err why = {0};
        struct buf text = {0};
        struct device *d;
        if (run_device(r, *name, &d, &why) == OK) {
            d->driver->describe(d, &text);
            magic_print(c, "%s%s: %s\n", d->name, d == r->device ? " (runtime)" : "", buf_text(&text));
        } else {
            magic_print(c, "%s: not available: %s\n", *name, why.text);
        }
        buf_free(&text);
    }
    return OK;
}

const struct magic magic_devices = {
    .name = "devices",
    .usage = "%devices",
    .help = "lists the devices, and why others cannot be had",
    .run = run,
};
