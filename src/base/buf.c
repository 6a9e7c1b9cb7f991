/* A growable byte string. Invariant: data[len] is NUL whenever data is not NULL. */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

char *buf_room(struct buf *b, size_t n) {
    if (b->failed) return NULL;
    if (b->len + n + 1 > b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 64;
        if (cap < b->len + n + 1) cap = b->len + n + 1;
        char *data = mem_realloc(b->data, cap, NULL);
        if (!data) {
            b->failed = true;
            return NULL;
        }
        b->data = data, b->cap = cap;
        b->data[b->len] = 0;
    }
    return b->data + b->len;
}

void buf_put(struct buf *b, const void *bytes, size_t n) {
    char *room = buf_room(b, n);
    if (!room) return;
    if (n) memcpy(room, bytes, n);
    b->len += n;
    b->data[b->len] = 0;
}

void buf_puts(struct buf *b, const char *s) {
    buf_put(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c) {
    buf_put(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    char *room = n < 0 ? NULL : buf_room(b, (size_t)n);
    if (room) {
        vsnprintf(room, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

enum status buf_status(const struct buf *b, struct err *e) {
    return b->failed ? err_set(e, ERR_MEMORY, "out of memory: a text of %zu bytes could not grow", b->len) : OK;
}

const char *buf_text(const struct buf *b) {
    return b->data ? b->data : "";
}

void buf_free(struct buf *b) {
    mem_free(b->data);
    *b = (struct buf){0};
}

enum status buf_read_file(struct buf *b, const char *path, struct err *e) {
    FILE *f = fopen(path, "rb");
    if (!f) return err_set(e, ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    for (;;) {
        char *room = buf_room(b, 1 << 16);
        if (!room) break;
        size_t n = fread(room, 1, 1 << 16, f);
        b->len += n;
        b->data[b->len] = 0;
        if (n == 0) break;
    }
    if (ferror(f)) err_set(e, ERR_IO, "cannot read '%s': %s", path, strerror(errno));
    fclose(f);
    return e->status ? e->status : buf_status(b, e);
}
