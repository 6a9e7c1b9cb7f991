/* %load_ext: Lua that adds magics. */
#include <lua.h>

#include "magic/magic.h"

/* name: protected, as a part of the cell */
static int load(lua_State *L) {
    const struct buf *name = lua_touserdata(L, 1);
    session_push_function(L, "celda.extensions", "load");
    lua_pushlstring(L, name->data, name->len);
    lua_call(L, 1, 0);
    return 0;
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct buf path = {0};
    if (!*c->args) return err_set(e, ERR_VALUE, "which extension? %%load_ext FILE.lua or %%load_ext MODULE");
    enum status s = magic_put_path(c->args, &path, e);
    if (s == OK) s = session_run_function(c->session, load, &path);
    buf_free(&path);
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
