/* %tune: which way of computing a model's convolutions is the fastest here, measured and recorded. */
#include <string.h>

#include "base/buf.h"
#include "magic/magic.h"
#include "run/run.h"

static enum status forget(const struct magic_call *c, struct run *r, struct err *e) {
    if (!r->device->driver->forget_tuning)
        return err_set(e, ERR_UNSUPPORTED, "there is nothing to tune on %s", r->device->name);
    if (r->device->driver->forget_tuning(r->device, e)) return e->status;
    magic_print(c, "forgotten: estimates choose again\n");
    return OK;
}

static enum status tune(const struct magic_call *c, struct run *r, const char *code, struct err *e) {
    struct buf text = {0};
    if (profile_begin(r, e)) return e->status;
    enum status s = session_run_part(c->session, code, strlen(code));
    if (s == OK) s = profile_tune(r, &text, e);
    profile_end(r, NULL);
    if (s == OK && !text.len) buf_puts(&text, "nothing that was not measured before\n");
    magic_print_text(c, &text);
    buf_free(&text);
    return s;
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct run *r = session_runtime(c->session);
    const char *code = *c->body ? c->body : c->args;
    if (!*code) return err_set(e, ERR_VALUE, "what should be tuned? %%tune model:fit(x, y), or %%tune off");
    return strcmp(code, "off") == 0 ? forget(c, r, e) : tune(c, r, code, e);
}

const struct magic magic_tune = {
    .name = "tune",
    .usage = "%tune CODE|off",
    .help = "measures which algorithms are the fastest for the convolutions of the compiled steps that CODE "
            "runs\nWithout it they are chosen by an estimate, which is the same for every run on every machine. What "
            "is measured is recorded and holds from then on, in later sessions, too: steps compiled afterwards may "
            "round differently.\n%tune off forgets all that was measured. %profile shows what is chosen.",
    .takes_cell = true,
    .run = run,
};
