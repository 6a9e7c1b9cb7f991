/* %runtime: which device new tensors and models live on. Changing it moves all that lives on the one before; nothing is run again. */
#include "magic/magic.h"
#include "run/run.h"

static enum status run(const struct magic_call *c, struct err *e) {
    struct run *r = session_runtime(c->session);
    if (*c->args) lua_gc(session_lua(c->session), LUA_GCCOLLECT); /* what is dead need not move */
    if (*c->args && run_set_device(r, c->args, e)) return e->status;
    magic_print(c, "runtime: %s%s\n", r->device->name,
                *c->args ? "" : " (change it with %runtime NAME; %devices lists what there is)");
    return OK;
}

const struct magic magic_runtime = {
    .name = "runtime",
    .usage = "%runtime [DEVICE]",
    .help = "shows or changes the device\nThe session's state moves along. Names: cpu, gpu, gpu:1, opencl, tpu, "
            "/device:GPU:0.",
    .run = run,
};
