/* Whole files or none. Invariant: under a path that is written there is the old file or the new one, never a part. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
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

/* What cannot be replaced is found out now, not when everything has been written. */
static enum status check_target(struct file_writer *w, struct err *e) {
    struct stat s;
    if (stat(w->path.data, &s)) return OK;
    w->mode = s.st_mode & 07777;
    if (S_ISDIR(s.st_mode)) errno = EISDIR;
    if (S_ISDIR(s.st_mode) || access(w->path.data, W_OK)) return failed(w, e);
    return S_ISREG(s.st_mode) ? OK : err_set(e, ERR_IO, "cannot write '%s': it is no regular file", w->path.data);
}

/* The folder of the path, with its slash. */
static enum status folder_of(const struct file_writer *w, struct buf *folder, struct err *e) {
    const char *slash = strrchr(w->path.data, '/');
    buf_put(folder, slash ? w->path.data : ".", slash ? (size_t)(slash - w->path.data) + 1 : 1);
    return buf_status(folder, e);
}

/* A file without a name where the system has them: whoever is killed while writing leaves nothing behind. */
static int open_nameless(struct file_writer *w) {
#ifdef O_TMPFILE
    struct buf folder = {0};
    struct err e = {0};
    int fd = folder_of(w, &folder, &e) ? -1 : open(folder.data, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    buf_free(&folder);
    return fd;
#else
    (void)w;
    return -1;
#endif
}

static int open_named(const struct file_writer *w) {
    return open(w->temporary.data, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
}

/* Gives a file without a name the temporary one: a link cannot replace what stands under the path, a rename can. */
static int give_name(const struct file_writer *w) {
    char link[40];
    if (w->named) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", w->fd);
    unlink(w->temporary.data);
    return linkat(AT_FDCWD, link, AT_FDCWD, w->temporary.data, AT_SYMLINK_FOLLOW);
}

enum status file_begin(struct file_writer *w, const char *path, struct err *e) {
    char *target = realpath(path, NULL); /* a symbolic link stays one */
    *w = (struct file_writer){.fd = -1};
    buf_puts(&w->path, target ? target : path);
    buf_printf(&w->temporary, "%s.%ld.tmp", target ? target : path, (long)getpid());
    free(target);
    if (!buf_status(&w->path, e) && !buf_status(&w->temporary, e) && !check_target(w, e)) {
        if (!fault()) w->fd = open_nameless(w);
        w->named = w->fd < 0;
        if (w->named && !fault()) w->fd = open_named(w);
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
    if (folder_of(w, &folder, e) == OK) {
        int fd = fault() ? -1 : open(folder.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 ? errno != EACCES : fsync(fd) != 0 && errno != EINVAL) failed(w, e);
        if (fd >= 0) close(fd);
    }
    buf_free(&folder);
    return e->status;
}

enum status file_commit(struct file_writer *w, struct err *e) {
    if (fault() || (w->mode && fchmod(w->fd, w->mode)) || fsync(w->fd) || give_name(w)) failed(w, e);
    if (close(w->fd) && !e->status) failed(w, e);
    if (!e->status && (fault() || rename(w->temporary.data, w->path.data))) failed(w, e);
    if (e->status)
        unlink(w->temporary.data);
    else
        sync_folder(w, e);
    release(w);
    return e->status;
}

enum status file_replace(const char *path, const void *bytes, size_t n, struct err *e) {
    struct file_writer w;
    if (file_begin(&w, path, e)) return e->status;
    if (file_write(&w, bytes, n, e) == OK) return file_commit(&w, e);
    file_abort(&w);
    return e->status;
}
