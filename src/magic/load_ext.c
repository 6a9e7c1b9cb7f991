/* %load_ext: Lua that adds magics. */
#include <string.h>

#include "magic/magic.h"

static enum status run(const struct magic_call *c, struct err *e) {
    struct buf code = {0};
    if (!*c->args) return err_set(e, ERR_VALUE, "which extension? %%load_ext FILE.lua or %%load_ext MODULE");
    buf_puts(&code, "require('celda.extensions').load(");
    magic_put_string(c->args, strlen(c->args), &code);
    buf_putc(&code, ')');
    enum status s = buf_status(&code, e);
    if (s == OK) s = session_run_part(c->session, code.data, code.len);
    buf_free(&code);
    return s;
}

const struct magic magic_load_ext = {
    .name = "load_ext",
    .usage = "%load_ext FILE.lua | MODULE",
    .help = "runs Lua that adds magics: a file, or a module on package.path or in ~/.config/celda\n"
            "It adds them by celda.magic(name, {usage = , help = , cell = true}, function(args, body) ... end).\n"
            "Loading it again runs it again. ~/.config/celda/init.lua is run whenever a session with a prompt starts.",
    .run = run,
};
