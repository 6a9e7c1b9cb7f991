/* Bytes as text: base64 (RFC 4648). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/* Appends n bytes in base64, padded, without line ends. */
void base64_encode(const void *bytes, size_t n, struct buf *out);

#endif
