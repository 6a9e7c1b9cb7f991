/* %devices: what was found, and for what was not, why. */
#include "magic/magic.h"
#include "run/run.h"

static enum status run(const struct magic_call *c, struct err *e) {
    static const char *const kind[] = {"cpu", "gpu", "opencl", "tpu"};
    struct run *r = session_runtime(c->session);
    (void)e;
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        struct err why = {0};
        struct buf text = {0};
        struct device *d;
        if (run_device(r, kind[i], &d, &why) == OK) {
            d->driver->describe(d, &text);
            magic_print(c, "%s%s: %s\n", d->name, d == r->device ? " (runtime)" : "", buf_text(&text));
        } else {
            magic_print(c, "%s: not available: %s\n", kind[i], why.text);
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
