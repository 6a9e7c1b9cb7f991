/* safetensors: eight bytes of length, a JSON header with name, dtype, shape and place of each tensor, then the data. */
#ifndef TENSOR_SAFETENSORS_H
#define TENSOR_SAFETENSORS_H

#include <jansson.h>

#include "tensor/tensor.h"

struct safetensors_entry {
    char *name;
    struct tensor *tensor;
};

struct safetensors {
    int count;
    struct safetensors_entry *entry; /* in the file's order */
    json_t *metadata;                /* an object of strings; never NULL */
};

/* Everything in the file on `device`. Free with safetensors_free, also after an error. ERR_IO names the path and what is
 * wrong: truncated, bad JSON, an unknown dtype, places that overlap or lie outside, a size that does not fit. */
enum status safetensors_load(struct device *device, const char *path, struct safetensors *out, struct err *e);
void safetensors_free(struct safetensors *s);

/* Writes a temporary file beside `path`, syncs it and renames it over: after an error the old file is as it was.
 * metadata may be NULL. */
enum status safetensors_save(const char *path, const struct safetensors_entry *entry, int count, const json_t *metadata,
                             struct err *e);

#endif
