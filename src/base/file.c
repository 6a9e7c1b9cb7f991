/* Whole files or none. Invariant: under a path that is written there is the old file or the new one, never a part. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- faults for tests ---------------------------------------------------------------------------------------------- */

static atomic_uint seen, fail_from;
static atomic_int fail_with;

unsigned file_fail(unsigned n, int error) {
    fail_from = n;
    fail_with = error;
    return atomic_exchange(&seen, 0);
}

/* Counts a call to the system; -1 with errno where it is to fail. */
static int fault(void) {
    unsigned n = atomic_fetch_add(&seen, 1) + 1;
    if (!fail_from || n < fail_from || !fail_with) return 0;
    errno = fail_with;
    return -1;
}

static size_t shortened(size_t n) {
    return fail_from && seen == fail_from && !fail_with ? (n + 1) / 2 : n;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static enum status failed(const struct file_writer *w, struct err *e) {
    return err_set(e, ERR_IO, "cannot write '%s': %s", buf_text(&w->path), strerror(errno));
}

static void release(struct file_writer *w) {
    buf_free(&w->path);
    buf_free(&w->temporary);
    w->fd = -1;
}

/* A folder is found out now, not when everything has been written. */
static enum status check_target(const struct file_writer *w, struct err *e) {
    struct stat s;
    if (stat(w->path.data, &s) == 0 && S_ISDIR(s.st_mode)) {
        errno = EISDIR;
        return failed(w, e);
    }
    return OK;
}

enum status file_begin(struct file_writer *w, const char *path, struct err *e) {
    *w = (struct file_writer){.fd = -1};
    buf_puts(&w->path, path);
    buf_printf(&w->temporary, "%s.%ld.tmp", path, (long)getpid());
    if (!buf_status(&w->path, e) && !buf_status(&w->temporary, e) && !check_target(w, e)) {
        if (!fault()) w->fd = open(w->temporary.data, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (w->fd < 0) failed(w, e);
    }
    if (e->status) release(w);
    return e->status;
}

enum status file_write(struct file_writer *w, const void *bytes, size_t n, struct err *e) {
    for (const char *p = bytes; n > 0;) {
        ssize_t k = fault() ? -1 : write(w->fd, p, shortened(n));
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return failed(w, e);
        p += k;
        n -= (size_t)k;
    }
    return OK;
}

enum status file_write_at(struct file_writer *w, uint64_t offset, const void *bytes, size_t n, struct err *e) {
    off_t end = fault() ? -1 : lseek(w->fd, 0, SEEK_CUR);
    if (end < 0 || lseek(w->fd, (off_t)offset, SEEK_SET) < 0) return failed(w, e);
    if (file_write(w, bytes, n, e)) return e->status;
    return lseek(w->fd, end, SEEK_SET) < 0 ? failed(w, e) : OK;
}

void file_abort(struct file_writer *w) {
    close(w->fd);
    unlink(w->temporary.data);
    release(w);
}

/* Some file systems have folders that cannot be synced: what is in them is as safe as they make it. */
static enum status sync_folder(const struct file_writer *w, struct err *e) {
    struct buf folder = {0};
    const char *slash = strrchr(w->path.data, '/');
    buf_put(&folder, slash ? w->path.data : ".", slash ? (size_t)(slash - w->path.data) + 1 : 1);
    if (buf_status(&folder, e) == OK) {
        int fd = fault() ? -1 : open(folder.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 ? errno != EACCES : fsync(fd) != 0 && errno != EINVAL) failed(w, e);
        if (fd >= 0) close(fd);
    }
    buf_free(&folder);
    return e->status;
}

enum status file_commit(struct file_writer *w, struct err *e) {
    if (fault() || fsync(w->fd)) failed(w, e);
    if (close(w->fd) && !e->status) failed(w, e);
    if (!e->status && (fault() || rename(w->temporary.data, w->path.data))) failed(w, e);
    if (e->status)
        unlink(w->temporary.data);
    else
        sync_folder(w, e);
    release(w);
    return e->status;
}
