/* safetensors: eight bytes of length, a JSON header with name, dtype, shape and place of each tensor, then the data. */
#ifndef TENSOR_SAFETENSORS_H
#define TENSOR_SAFETENSORS_H

#include <jansson.h>

#include "tensor/tensor.h"

struct safetensors_entry {
    char *name;
    struct tensor *tensor;
    const char *lost; /* why there is no tensor: safetensors_salvage alone */
};

struct safetensors {
    int count;
    struct safetensors_entry *entry; /* in the file's order */
    json_t *metadata;                /* an object of strings; never NULL */
};

/* Everything in the file on `device`. Free with safetensors_free, also after an error. ERR_IO names the path and what is
 * wrong: truncated, bad JSON, an unknown dtype, places that overlap or lie outside, a size that does not fit. */
enum status safetensors_load(struct device *device, const char *path, struct safetensors *out, struct err *e);
/* Everything that is whole, of a file that was cut short or changed behind its header: an entry that is not has no tensor,
 * and says why. A file without checksums is taken as it is. */
enum status safetensors_salvage(struct device *device, const char *path, struct safetensors *out, struct err *e);
void safetensors_free(struct safetensors *s);

/* Writes a whole file or leaves the old one as it was (base/file.h), which must be one of weights (tensor/replace.h).
 * metadata may be NULL. */
enum status safetensors_save(const char *path, const struct safetensors_entry *entry, int count, const json_t *metadata,
                             struct err *e);
/* The same with checksums, over whatever is there: the metadata's "crc32" holds zlib's CRC-32 of each tensor's bytes in the file's order, eight
 * hexadecimal digits each. */
enum status safetensors_save_checked(const char *path, const struct safetensors_entry *entry, int count,
                                     const json_t *metadata, struct err *e);

#endif
