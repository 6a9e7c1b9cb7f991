/* Compressed files. Invariant: what is read is what was written, or an error: zlib checks every member's sum, and a file
 * that ends within a member is truncated. */
#include "tensor/gzip.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"

struct gzip_file {
    gzFile file;
    char *path;
};

enum status gzip_open(const char *path, struct gzip_file **out, struct err *e) {
    struct gzip_file *f = mem_zalloc(sizeof *f, e);
    if (!f) return e->status;
    f->path = mem_strdup(path, e);
    errno = 0;
    f->file = f->path ? gzopen(path, "rb") : NULL;
    if (f->path && !f->file)
        err_set(e, ERR_IO, "cannot open '%s': %s", path, errno ? strerror(errno) : "out of memory");
    if (e->status) {
        gzip_close(f);
        return e->status;
    }
    gzbuffer(f->file, 1 << 17);
    *out = f;
    return OK;
}

static enum status read_error(struct gzip_file *f, struct err *e) {
    int code;
    const char *text = gzerror(f->file, &code);
    if (code == Z_ERRNO) return err_set(e, ERR_IO, "cannot read '%s': %s", f->path, strerror(errno));
    if (code == Z_BUF_ERROR)
        return err_set(e, ERR_IO, "'%s' is truncated: it ends within its compressed data", f->path);
    return err_set(e, ERR_IO, "'%s' is corrupt: %s", f->path, text);
}

enum status gzip_read(struct gzip_file *f, size_t n, struct buf *b, struct err *e) {
    enum { PIECE = 1 << 18 };
    while (n > 0) {
        size_t want = n < PIECE ? n : PIECE;
        char *room = buf_room(b, want);
        if (!room) return buf_status(b, e);
        int got = gzread(f->file, room, (unsigned)want);
        if (got < 0) return read_error(f, e);
        b->len += (size_t)got;
        b->data[b->len] = 0;
        n -= (size_t)got;
        if ((size_t)got < want) {
            int code;
            gzerror(f->file, &code);
            return code == Z_OK || code == Z_STREAM_END ? OK : read_error(f, e);
        }
    }
    return OK;
}

void gzip_close(struct gzip_file *f) {
    if (!f) return;
    if (f->file) gzclose_r(f->file);
    mem_free(f->path);
    mem_free(f);
}
