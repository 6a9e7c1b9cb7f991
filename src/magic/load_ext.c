/* %load_ext: Lua that adds magics. */
#include <string.h>

#include "magic/magic.h"

static enum status run(const struct magic_call *c, struct err *e) {
    struct buf code = {0}, path = {0};
    if (!*c->args) return err_set(e, ERR_VALUE, "which extension? %%load_ext FILE.lua or %%load_ext MODULE");
    enum status s = magic_put_path(c->args, &path, e);
    buf_puts(&code, "require('celda.extensions').load(");
    magic_put_string(buf_text(&path), path.len, &code);
    buf_putc(&code, ')');
    if (s == OK) s = buf_status(&code, e);
    if (s == OK) s = session_run_part(c->session, code.data, code.len);
    buf_free(&path);
    buf_free(&code);
    return s;
}

const struct magic magic_load_ext = {
    .name = "load_ext",
    .usage = "%load_ext FILE.lua | MODULE",
    .help = "runs a file or a module that adds magics\nA module is looked for on package.path and in ~/.config/celda. "
            "It adds them by celda.magic(name, {usage = , help = , cell = true}, function(args, body) ... end).\n"
            "Loading it again runs it again. ~/.config/celda/init.lua is run whenever a session with a prompt starts.",
    .run = run,
};
