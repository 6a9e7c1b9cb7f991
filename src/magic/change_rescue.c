/* Copies of what could not be saved, among the user's state: they outlive the session, and the next one names them. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/state.h"
#include "magic/change.h"
#include "session/trail.h"

/* Names are HASH-PID-NAME; the hash is the notebook's path's. */
static int put_prefix(const struct magic_notebook *nb, char *room, size_t size) {
    const char *path = nb->notebook->path;
    return snprintf(room, size, "%08x-", (unsigned)trail_hash(path, strlen(path)));
}

enum status change_rescue(struct magic_notebook *nb, struct err *e) {
    char name[NAME_MAX], prefix[16], *path = nb->changes->rescued;
    put_prefix(nb, prefix, sizeof prefix);
    snprintf(name, sizeof name, "unsaved/%s%ld-%.200s", prefix, (long)getpid(), change_name(nb));
    if (state_path(name, path, PATH_MAX, e) == OK) file_replace(path, nb->notebook->text, nb->notebook->text_size, e);
    if (e->status) *path = 0;
    return e->status;
}

void change_drop_rescued(struct magic_notebook *nb) {
    if (*nb->changes->rescued) unlink(nb->changes->rescued);
    *nb->changes->rescued = 0;
}

static bool is_running(long pid) {
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

bool change_find_rescued(const struct magic_notebook *nb, char *path, size_t size) {
    char folder[PATH_MAX], prefix[16];
    struct err e = {0};
    bool found = false;
    const size_t n = (size_t)put_prefix(nb, prefix, sizeof prefix);
    if (state_path("unsaved", folder, sizeof folder, &e)) return false;
    DIR *d = opendir(folder);
    for (const struct dirent *f; d && !found && (f = readdir(d));) {
        if (strncmp(f->d_name, prefix, n) != 0 || is_running(strtol(f->d_name + n, NULL, 10))) continue;
        found = snprintf(path, size, "%s/%s", folder, f->d_name) < (int)size;
    }
    if (d) closedir(d);
    return found;
}
