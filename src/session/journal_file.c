/* Records on disk. Invariant: the file's first `size` bytes are whole records; a write starts there, so what a failed one
 * left behind is written over. */
#include "session/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/threads.h"

static const char magic[] = "celda journal 1\n";

enum {
    MAGIC = sizeof magic - 1,
    HEADER = 9,
    LATE = 4 << 20, /* bytes of records that wait for a disk that takes them; more are dropped */
    TRIES = 2
};

struct journal_file {
    int fd;
    off_t size;
    struct buf late; /* records that could not be written yet */

    pthread_t syncer;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool running, wanted, stop; /* the syncer's; under the lock */
    int sync_error;
};

/* ---- bytes ---------------------------------------------------------------------------------------------------------- */

static void store32(unsigned char *to, uint32_t x) {
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)(x >> 8 * i);
}

static uint32_t load32(const unsigned char *from) {
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static struct {
    atomic_size_t seen, from, times;
    atomic_int error;
} fault;

size_t journal_file_fail(size_t n, size_t times, int error) {
    fault.from = n;
    fault.times = times;
    fault.error = error;
    return atomic_exchange(&fault.seen, 0);
}

/* pwritev, unless a test wants it to fail. */
static ssize_t write_at(int fd, const struct iovec *v, int n, off_t at) {
    size_t seen = ++fault.seen;
    if (!fault.from || seen < fault.from || seen >= fault.from + fault.times) return pwritev(fd, v, n, at);
    if (!fault.error) return pwrite(fd, v->iov_base, (v->iov_len + 1) / 2, at);
    errno = fault.error;
    return -1;
}

/* All of it, or an errno. */
static int write_all(int fd, struct iovec *v, int n, off_t at) {
    while (n > 0) {
        ssize_t k = v->iov_len ? write_at(fd, v, n, at) : 0;
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return errno;
        if (k == 0 && v->iov_len) return EIO;
        at += k;
        for (; n > 0 && (size_t)k >= v->iov_len; v++, n--) k -= (ssize_t)v->iov_len;
        if (n == 0) break;
        v->iov_base = (char *)v->iov_base + k;
        v->iov_len -= (size_t)k;
    }
    return 0;
}

/* Appends the parts together, or leaves the file as it was. */
static int append(struct journal_file *f, const struct iovec *parts, int n) {
    int error = 0;
    for (int try = 0; try < TRIES; try++) {
        struct iovec left[3];
        size_t total = 0;
        for (int i = 0; i < n; i++) total += (left[i] = parts[i]).iov_len;
        error = write_all(f->fd, left, n, f->size);
        if (error == 0) {
            f->size += (off_t)total;
            return 0;
        }
    }
    if (ftruncate(f->fd, f->size)) return error; /* what is left there is no whole record, and is written over */
    return error;
}

/* ---- the thread that syncs ------------------------------------------------------------------------------------------ */

static void *sync_when_asked(void *arg) {
    struct journal_file *f = arg;
    pthread_mutex_lock(&f->lock);
    while (f->wanted || !f->stop) {
        if (!f->wanted) {
            pthread_cond_wait(&f->wake, &f->lock);
            continue;
        }
        f->wanted = false;
        pthread_mutex_unlock(&f->lock);
        int error = fdatasync(f->fd) ? errno : 0;
        pthread_mutex_lock(&f->lock);
        if (error) f->sync_error = error;
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* Without a thread the system writes the file when it likes. */
void journal_file_sync(struct journal_file *f) {
    if (!f->running) f->running = threads_start(&f->syncer, sync_when_asked, f) == 0;
    pthread_mutex_lock(&f->lock);
    f->wanted = true;
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
}

enum status journal_file_synced(struct journal_file *f, struct err *e) {
    pthread_mutex_lock(&f->lock);
    int error = f->sync_error;
    f->sync_error = 0;
    pthread_mutex_unlock(&f->lock);
    return error ? err_set(e, ERR_IO, "%s", strerror(error)) : OK;
}

static void stop_syncer(struct journal_file *f) {
    if (!f->running) return;
    pthread_mutex_lock(&f->lock);
    f->stop = true;
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->syncer, NULL);
}

/* ---- a file's life -------------------------------------------------------------------------------------------------- */

void journal_file_close(struct journal_file *f) {
    if (!f) return;
    stop_syncer(f);
    if (f->fd >= 0) close(f->fd);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->wake);
    buf_free(&f->late);
    mem_free(f);
}

static enum status open_file(const char *path, int flags, struct journal_file **out, struct err *e) {
    struct journal_file *f = mem_zalloc(sizeof *f, e);
    if (!f) return e->status;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->wake, NULL);
    f->fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
    if (f->fd < 0)
        err_set(e, ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    else if (flock(f->fd, LOCK_EX | LOCK_NB))
        err_set(e, ERR_STATE, "'%s' belongs to a session that runs", path);
    if (e->status)
        journal_file_close(f);
    else
        *out = f;
    return e->status;
}

enum status journal_file_create(const char *path, struct journal_file **out, struct err *e) {
    struct journal_file *f;
    struct iovec head = {(void *)magic, MAGIC};
    if (open_file(path, O_CREAT | O_EXCL, &f, e)) return e->status;
    int error = append(f, &head, 1);
    if (error) {
        unlink(path);
        journal_file_close(f);
        return err_set(e, ERR_IO, "cannot write '%s': %s", path, strerror(error));
    }
    *out = f;
    return OK;
}

enum status journal_file_continue(const char *path, struct journal_file **out, struct err *e) {
    struct journal_file *f;
    struct journal_reader r;
    struct journal_record record;
    if (open_file(path, 0, &f, e)) return e->status;
    if (journal_reader_open(&r, path, e)) {
        journal_file_close(f);
        return e->status;
    }
    while (journal_reader_next(&r, &record)) {
    }
    f->size = (off_t)r.at;
    journal_reader_close(&r);
    *out = f;
    return OK;
}

/* ---- putting a record ----------------------------------------------------------------------------------------------- */

static void make_header(unsigned char *h, char kind, const struct buf *head, const void *bytes, size_t n) {
    store32(h + 4, (uint32_t)(head->len + n));
    h[8] = (unsigned char)kind;
    uLong crc = crc32(0, h + 4, HEADER - 4);
    crc = crc32(crc, (const Bytef *)buf_text(head), (uInt)head->len);
    if (n) crc = crc32(crc, bytes, (uInt)n);
    store32(h, (uint32_t)crc);
}

/* Of late records only those of outputs may be lost: they are lower-case letters. */
static void keep_for_later(struct journal_file *f, const struct iovec *parts, char kind) {
    if (f->late.len > LATE && kind >= 'a') return;
    size_t before = f->late.len;
    for (int i = 0; i < 3; i++) buf_put(&f->late, parts[i].iov_base, parts[i].iov_len);
    if (!f->late.failed) return;
    f->late.failed = false;
    f->late.len = before;
}

enum status journal_file_put(struct journal_file *f, char kind, const struct buf *head, const void *bytes, size_t n,
                             struct err *e) {
    static const struct buf none;
    unsigned char header[HEADER];
    if (!head) head = &none;
    if (head->failed || head->len + n > UINT32_MAX)
        return err_set(e, ERR_MEMORY, "a record of %zu bytes is too large", head->len + n);
    make_header(header, kind, head, bytes, n);
    const struct iovec record[] = {{header, HEADER}, {head->data, head->len}, {(void *)bytes, n}};
    int error = 0;
    if (f->late.len) {
        const struct iovec late = {f->late.data, f->late.len};
        error = append(f, &late, 1);
        if (error == 0) buf_free(&f->late);
    }
    if (error == 0) error = append(f, record, 3);
    if (error == 0) return OK;
    keep_for_later(f, record, kind);
    return err_set(e, ERR_IO, "%s", strerror(error));
}

size_t journal_file_size(const struct journal_file *f) {
    return (size_t)f->size;
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

enum status journal_reader_open(struct journal_reader *r, const char *path, struct err *e) {
    *r = (struct journal_reader){.at = MAGIC};
    if (buf_read_file(&r->file, path, e) == OK && (r->file.len < MAGIC || memcmp(r->file.data, magic, MAGIC) != 0))
        err_set(e, ERR_VALUE, "'%s' is no journal of this version of celda", path);
    if (e->status) buf_free(&r->file);
    return e->status;
}

bool journal_reader_next(struct journal_reader *r, struct journal_record *out) {
    const unsigned char *at = (const unsigned char *)r->file.data + r->at;
    size_t left = r->file.len - r->at;
    if (left < HEADER || load32(at + 4) > left - HEADER) return false;
    size_t size = load32(at + 4);
    if (crc32_z(0, at + 4, HEADER - 4 + size) != load32(at)) return false;
    *out = (struct journal_record){(char)at[8], (const char *)at + HEADER, size};
    r->at += HEADER + size;
    return true;
}

size_t journal_reader_torn(const struct journal_reader *r) {
    return r->file.len - r->at;
}

void journal_reader_close(struct journal_reader *r) {
    buf_free(&r->file);
}
