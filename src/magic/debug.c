/* %debug: the frames of the last error with their locals; the commands are lua/celda/debugger.lua's. */
#include "magic/magic.h"

static enum status run(const struct magic_call *c, struct err *e) {
    return *c->args ? session_debug(c->session, c->args, e) : session_debug_enter(c->session, e);
}

const struct magic magic_debug = {
    .name = "debug",
    .usage = "%debug [COMMAND]",
    .help = "looks at the last error: its frames and their locals\n%debug alone asks for commands as pdb has them "
            "(where, up, down, list, locals, args, p CODE, quit; help names all) until quit; %debug COMMAND runs one, "
            "and the current frame stays. Code is evaluated in the frame. A function's locals are copies: assigning to "
            "one changes what the debugger shows, and nothing else; a cell's own are the session's variables.",
    .run = run,
};
