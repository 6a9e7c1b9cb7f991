/* Reading .gz files (and plain ones) through zlib. */
#ifndef TENSOR_GZIP_H
#define TENSOR_GZIP_H

#include "base/buf.h"

struct gzip_file;

/* A file that is not compressed is read as it is. ERR_IO names the path. */
enum status gzip_open(const char *path, struct gzip_file **out, struct err *e);
/* Appends up to n bytes (SIZE_MAX: all that are left) to b; fewer at the end. A truncated or corrupt file is ERR_IO. */
enum status gzip_read(struct gzip_file *f, size_t n, struct buf *b, struct err *e);
void gzip_close(struct gzip_file *f);

#endif
