/* %env: environment variables, for the session and the commands that it runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "magic/magic.h"

extern char **environ;

static enum status set(const char *args, const char *equals, struct err *e) {
    struct buf name = {0};
    size_t n = (size_t)(equals - args);
    while (n > 0 && args[n - 1] == ' ') n--;
    buf_put(&name, args, n);
    const char *value = equals + 1 + strspn(equals + 1, " ");
    if (buf_status(&name, e) == OK && setenv(buf_text(&name), value, 1))
        err_set(e, ERR_VALUE, "'%s' cannot be set: %s", buf_text(&name), strerror(errno));
    buf_free(&name);
    return e->status;
}

static enum status run(const struct magic_call *c, struct err *e) {
    const char *equals = strchr(c->args, '=');
    if (equals) return set(c->args, equals, e);
    if (*c->args) {
        const char *value = getenv(c->args);
        if (!value) return err_set(e, ERR_NOT_FOUND, "there is no environment variable '%s'", c->args);
        magic_print(c, "%s\n", value);
        return OK;
    }
    for (char **line = environ; *line; line++) magic_print(c, "%s\n", *line);
    return OK;
}

const struct magic magic_env = {
    .name = "env",
    .usage = "%env [NAME[=VALUE]]",
    .help = "shows or sets environment variables",
    .run = run,
};
