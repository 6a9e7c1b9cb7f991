/* The socket of a detached session. Invariant: nobody but its user can connect to it, or put another in its place. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include "base/state.h"
#include "front/detach/detach.h"

/* The folder is this user's alone, or it is an error. */
static enum status check_folder(const char *folder, struct err *e) {
    struct stat st;
    if (mkdir(folder, 0700) && errno != EEXIST)
        return err_set(e, ERR_IO, "cannot make the folder '%s': %s", folder, strerror(errno));
    if (lstat(folder, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
        return err_set(e, ERR_IO, "the folder '%s' is not yours alone", folder);
    return OK;
}

enum status detach_socket_path(const char *notebook, char *path, size_t size, struct err *e) {
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char folder[PATH_MAX], copy[PATH_MAX];
    if (runtime && *runtime == '/')
        snprintf(folder, sizeof folder, "%s/celda", runtime);
    else if (state_path("run", folder, sizeof folder, e))
        return e->status;
    if (check_folder(folder, e)) return e->status;
    snprintf(copy, sizeof copy, "%s", notebook);
    unsigned long hash = crc32(0, (const Bytef *)notebook, (uInt)strlen(notebook));
    int n = snprintf(path, size, "%s/%.40s-%08lx", folder, basename(copy), hash);
    if (n >= (int)size || n >= (int)sizeof((struct sockaddr_un *)0)->sun_path)
        return err_set(e, ERR_IO, "the path of a socket in '%s' is too long", folder);
    return OK;
}

static int open_socket(const char *path, struct sockaddr_un *address) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "%s", path);
    return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

enum status detach_connect(const char *path, int *fd, struct err *e) {
    struct sockaddr_un address;
    *fd = open_socket(path, &address);
    if (*fd < 0) return err_set(e, ERR_IO, "cannot make a socket: %s", strerror(errno));
    if (connect(*fd, (struct sockaddr *)&address, sizeof address) == 0) {
        if (detach_is_ours(*fd)) return OK;
        err_set(e, ERR_IO, "'%s' is another user's", path);
    }
    err_set(e, errno == ENOENT || errno == ECONNREFUSED ? ERR_NOT_FOUND : ERR_IO, "'%s': %s", path, strerror(errno));
    close(*fd);
    return e->status;
}

enum status detach_listen(const char *path, int *fd, struct err *e) {
    struct sockaddr_un address;
    struct err nobody = {0};
    if (detach_connect(path, fd, &nobody) == OK) {
        close(*fd);
        return err_set(e, ERR_STATE, "a session with this notebook runs detached already");
    }
    unlink(path); /* a killed session's */
    *fd = open_socket(path, &address);
    mode_t before = umask(0177);
    bool bound = *fd >= 0 && bind(*fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(*fd, 4) == 0;
    umask(before);
    return bound ? OK : err_set(e, ERR_IO, "cannot listen at '%s': %s", path, strerror(errno));
}

bool detach_is_ours(int fd) {
    struct ucred peer;
    socklen_t n = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && peer.uid == geteuid();
}
