/* The folders of celda's own files and of the user's for celda. */
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

/* `name` in celda's folder: below what the variable says, else below the home folder. */
static enum status place(const char *variable, const char *below_home, const char *name, char *path, size_t size,
                         struct err *e) {
    const char *folder = getenv(variable), *home = getenv("HOME");
    int n = 0;
    if (folder && *folder == '/')
        n = snprintf(path, size, "%s/celda/%s", folder, name);
    else if (home && *home == '/')
        n = snprintf(path, size, "%s/%s/celda/%s", home, below_home, name);
    else
        return err_set(e, ERR_IO, "there is no home folder (neither %s nor HOME is set)", variable);
    return n < (int)size ? OK : err_set(e, ERR_IO, "the path of '%s' is too long", name);
}

enum status state_path(const char *name, char *path, size_t size, struct err *e) {
    if (place("XDG_STATE_HOME", ".local/state", name, path, size, e)) return e->status;
    return make_folders(path, e);
}

enum status config_path(const char *name, char *path, size_t size, struct err *e) {
    return place("XDG_CONFIG_HOME", ".config", name, path, size, e);
}
