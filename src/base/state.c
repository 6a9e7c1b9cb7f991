/* The folder of celda's own files. */
#include "base/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* All but the path's last part. */
static enum status make_folders(char *path, struct err *e) {
    for (char *slash = strchr(path + 1, '/'); slash && e->status == OK; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0700) && errno != EEXIST)
            err_set(e, ERR_IO, "cannot make the folder '%s': %s", path, strerror(errno));
        *slash = '/';
    }
    return e->status;
}

enum status state_path(const char *name, char *path, size_t size, struct err *e) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n = 0;
    if (state && *state == '/')
        n = snprintf(path, size, "%s/celda/%s", state, name);
    else if (home && *home == '/')
        n = snprintf(path, size, "%s/.local/state/celda/%s", home, name);
    else
        return err_set(e, ERR_IO, "there is no home folder (neither XDG_STATE_HOME nor HOME is set)");
    if (n >= (int)size) return err_set(e, ERR_IO, "the path of '%s' is too long", name);
    return make_folders(path, e);
}
