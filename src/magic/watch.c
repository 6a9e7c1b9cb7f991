/* %watch: expressions that are shown after each cell. */
#include <string.h>

#include "magic/magic.h"

static void list(const struct magic_call *c) {
    const int n = session_watch_count(c->session);
    for (int i = 0; i < n; i++) magic_print(c, "%s\n", session_watch_at(c->session, i));
    if (n == 0) magic_print(c, "nothing is watched\n");
}

/* "off" alone or "off EXPRESSION". */
static enum status unwatch(const struct magic_call *c, const char *code, struct err *e) {
    if (*code) return session_unwatch(c->session, code, e);
    session_unwatch_all(c->session);
    return OK;
}

static enum status run(const struct magic_call *c, struct err *e) {
    const bool off = strncmp(c->args, "off", 3) == 0 && (c->args[3] == 0 || c->args[3] == ' ');
    if (off) return unwatch(c, c->args + 3 + strspn(c->args + 3, " "), e);
    if (*c->args) return session_watch(c->session, c->args, e);
    list(c);
    return OK;
}

const struct magic magic_watch = {
    .name = "watch",
    .usage = "%watch [EXPRESSION | off [EXPRESSION]]",
    .help = "shows an expression's value now and after each cell\n%watch lists what is watched, %watch off ends all, "
            "%watch off EXPRESSION that one. Its time is not the cell's, and an error in it does not fail the cell.",
    .run = run,
};
