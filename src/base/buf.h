/* A growable byte string. Appending never fails loudly: on lack of memory `failed` is set and later appends do nothing. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Zero-initialise before use; `data` is NUL-terminated whenever it is not NULL. */
struct buf {
    char *data;
    size_t len, cap;
    bool failed;
};

void buf_put(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Makes room for n more bytes and returns where they go (the caller adds to len), or NULL. */
char *buf_room(struct buf *b, size_t n);

/* ERR_MEMORY if an append failed, else OK. */
enum status buf_status(const struct buf *b, struct err *e);

/* The text, never NULL. */
const char *buf_text(const struct buf *b);

/* Releases the bytes and makes b empty again. */
void buf_free(struct buf *b);

/* The whole file at `path` appended to b; errors name the path. */
enum status buf_read_file(struct buf *b, const char *path, struct err *e);

#endif
