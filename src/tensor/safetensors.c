/* Reading and writing safetensors. Invariant: nothing of a header is believed before it is checked. Format: Hugging Face's
 * safetensors README. */
#include "tensor/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"

static const struct {
    const char *name;
    enum dtype dtype;
} known[] = {{"BOOL", DT_BOOL}, {"U8", DT_UINT8},    {"I32", DT_INT32},
             {"I64", DT_INT64}, {"F32", DT_FLOAT32}, {"F64", DT_FLOAT64}};

enum { KNOWN = sizeof known / sizeof *known };

/* ---- reading ------------------------------------------------------------------------------------------------------ */

struct place {
    enum dtype dtype;
    struct shape shape;
    uint64_t begin, end;
};

static enum status read_dtype(const json_t *j, const char *name, enum dtype *d, struct err *e) {
    const char *text = json_string_value(json_object_get(j, "dtype"));
    for (int i = 0; text && i < KNOWN; i++)
        if (strcmp(text, known[i].name) == 0) {
            *d = known[i].dtype;
            return OK;
        }
    return err_set(e, ERR_IO, "tensor '%s' has an unknown dtype %s", name, text ? text : "(none)");
}

static enum status read_shape(const json_t *j, const char *name, struct shape *s, struct err *e) {
    const json_t *list = json_object_get(j, "shape");
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > TENSOR_MAX_RANK) return err_set(e, ERR_IO, "tensor '%s' has no valid shape", name);
    s->rank = (int)n;
    for (size_t i = 0; i < n; i++) {
        const json_t *d = json_array_get(list, i);
        if (!json_is_integer(d) || json_integer_value(d) < 0)
            return err_set(e, ERR_IO, "tensor '%s' has no valid shape", name);
        s->dim[i] = json_integer_value(d);
    }
    return OK;
}

static enum status read_place(const json_t *j, const char *name, uint64_t data, struct place *p, struct err *e) {
    const json_t *offsets = json_object_get(j, "data_offsets");
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    size_t bytes;
    if (read_dtype(j, name, &p->dtype, e) || read_shape(j, name, &p->shape, e)) return e->status;
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return err_set(e, ERR_IO, "tensor '%s' has no valid data_offsets", name);
    json_int_t b = json_integer_value(begin), n = json_integer_value(end);
    if (b < 0 || n < b || (uint64_t)n > data) return err_set(e, ERR_IO, "tensor '%s' lies outside of the data", name);
    *p = (struct place){p->dtype, p->shape, (uint64_t)b, (uint64_t)n};
    if (shape_bytes(&p->shape, p->dtype, &bytes, &(struct err){0}))
        return err_set(e, ERR_IO, "tensor '%s' has no valid shape", name);
    if (bytes != p->end - p->begin)
        return err_set(e, ERR_IO, "tensor '%s' needs %zu bytes, its place has %llu", name, bytes,
                       (unsigned long long)(p->end - p->begin));
    return OK;
}

static bool overlaps(const struct place *p, const struct place *before, int n) {
    for (int i = 0; i < n; i++)
        if (p->begin < before[i].end && before[i].begin < p->end) return true;
    return false;
}

static enum status read_tensors(struct device *device, const json_t *header, const char *data, uint64_t size,
                                struct safetensors *out, struct place *place, struct err *e) {
    const char *name;
    json_t *j;
    uint64_t used = 0;
    json_object_foreach((json_t *)header, name, j) {
        struct place *p = &place[out->count];
        if (strcmp(name, "__metadata__") == 0) continue;
        if (read_place(j, name, size, p, e)) return e->status;
        if (overlaps(p, place, out->count)) return err_set(e, ERR_IO, "tensor '%s' overlaps another", name);
        used += p->end - p->begin;
        struct safetensors_entry *entry = &out->entry[out->count];
        entry->name = mem_strdup(name, e);
        if (!entry->name) return e->status;
        out->count++;
        if (tensor_from(device, p->dtype, &p->shape, data + p->begin, &entry->tensor, e)) return e->status;
    }
    if (used != size)
        return err_set(e, ERR_IO, "%llu bytes of data belong to no tensor", (unsigned long long)(size - used));
    return OK;
}

static enum status check_metadata(const json_t *metadata, enum status wrong, struct err *e) {
    const char *key;
    json_t *value;
    if (metadata && !json_is_object(metadata)) return err_set(e, wrong, "the metadata is no table of strings");
    json_object_foreach((json_t *)metadata, key,
                        value) if (!json_is_string(value)) return err_set(e, wrong, "metadata '%s' is no string", key);
    return OK;
}

static enum status read_bytes(struct device *device, const struct buf *file, struct safetensors *out, struct err *e) {
    uint64_t length;
    if (file->len < 8) return err_set(e, ERR_IO, "truncated: %zu bytes are no header", file->len);
    memcpy(&length, file->data, 8);
    if (length > file->len - 8) return err_set(e, ERR_IO, "truncated: the header is longer than the file");
    json_t *header = json_parse(file->data + 8, (size_t)length, e);
    if (!header) return e->status = ERR_IO;
    if (!json_is_object(header)) err_set(e, ERR_IO, "the header is no JSON object");
    size_t n = json_object_size(header) + 1;
    out->entry = mem_zalloc(n * sizeof *out->entry, e);
    struct place *place = mem_zalloc(n * sizeof *place, e);
    json_t *metadata = json_object_get(header, "__metadata__");
    if (e->status == OK && check_metadata(metadata, ERR_IO, e) == OK && metadata &&
        json_object_update(out->metadata, metadata))
        err_set(e, ERR_MEMORY, "no memory for the metadata");
    if (e->status == OK) read_tensors(device, header, file->data + 8 + length, file->len - 8 - length, out, place, e);
    mem_free(place);
    json_decref(header);
    return e->status;
}

enum status safetensors_load(struct device *device, const char *path, struct safetensors *out, struct err *e) {
    struct buf file = {0};
    *out = (struct safetensors){.metadata = json_object()};
    if (!out->metadata) return err_set(e, ERR_MEMORY, "no memory for the metadata of '%s'", path);
    if (buf_read_file(&file, path, e) == OK && read_bytes(device, &file, out, e)) err_prefix(e, "'%s'", path);
    buf_free(&file);
    return e->status;
}

void safetensors_free(struct safetensors *s) {
    for (int i = 0; i < s->count; i++) {
        mem_free(s->entry[i].name);
        tensor_release(s->entry[i].tensor);
    }
    mem_free(s->entry);
    json_decref(s->metadata);
    *s = (struct safetensors){0};
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static const char *name_of(enum dtype d) {
    for (int i = 0; i < KNOWN; i++)
        if (known[i].dtype == d) return known[i].name;
    return "F32";
}

/* Adds what the header says of one tensor whose data begins at `at`. jansson takes no text that is not UTF-8. */
static enum status describe(json_t *header, const struct safetensors_entry *entry, json_int_t at, struct err *e) {
    const struct tensor *t = entry->tensor;
    if (strcmp(entry->name, "__metadata__") == 0 || json_object_get(header, entry->name))
        return err_set(e, ERR_VALUE, "a tensor cannot be named '%s': the name is taken", entry->name);
    json_t *shape = json_array();
    for (int k = 0; k < t->shape.rank; k++) json_array_append_new(shape, json_integer(t->shape.dim[k]));
    json_int_t end = at + (json_int_t)tensor_bytes(t);
    json_t *j = json_pack("{s:s, s:o, s:[I, I]}", "dtype", name_of(t->dtype), "shape", shape, "data_offsets", at, end);
    if (json_object_set_new(header, entry->name, j))
        return err_set(e, ERR_VALUE, "the name of tensor %s is no UTF-8", entry->name);
    return OK;
}

/* The header, padded with blanks so that the data is 8-byte aligned. */
static enum status write_header(const struct safetensors_entry *entry, int count, const json_t *metadata,
                                struct buf *out, struct err *e) {
    json_t *header = json_object();
    json_int_t at = 0;
    uint64_t length = 0;
    if (metadata && check_metadata(metadata, ERR_TYPE, e) == OK)
        json_object_set(header, "__metadata__", (json_t *)metadata);
    for (int i = 0; i < count && e->status == OK; i++) {
        describe(header, &entry[i], at, e);
        at += (json_int_t)tensor_bytes(entry[i].tensor);
    }
    buf_put(out, &length, 8);
    json_write(header, 0, true, out);
    json_decref(header);
    while (out->len % 8) buf_putc(out, ' ');
    if (e->status || buf_status(out, e)) return e->status;
    length = out->len - 8;
    memcpy(out->data, &length, 8);
    return OK;
}

static enum status write_all(int fd, const char *path, const void *bytes, size_t n, struct err *e) {
    for (const char *p = bytes; n > 0;) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return err_set(e, ERR_IO, "cannot write '%s': %s", path, strerror(errno));
        p += k;
        n -= (size_t)k;
    }
    return OK;
}

static enum status write_data(int fd, const char *path, const struct tensor *t, struct err *e) {
    void *host = mem_block_alloc(tensor_bytes(t), e);
    if (host && tensor_read(t, host, e) == OK) write_all(fd, path, host, tensor_bytes(t), e);
    mem_block_free(host);
    return e->status;
}

static enum status write_file(int fd, const char *path, const struct safetensors_entry *entry, int count,
                              const json_t *metadata, struct err *e) {
    struct buf header = {0};
    if (write_header(entry, count, metadata, &header, e) == OK) write_all(fd, path, header.data, header.len, e);
    buf_free(&header);
    for (int i = 0; i < count && e->status == OK; i++) write_data(fd, path, entry[i].tensor, e);
    if (e->status == OK && fsync(fd)) err_set(e, ERR_IO, "cannot write '%s': %s", path, strerror(errno));
    return e->status;
}

enum status safetensors_save(const char *path, const struct safetensors_entry *entry, int count, const json_t *metadata,
                             struct err *e) {
    struct buf temporary = {0};
    buf_printf(&temporary, "%s.%ld.tmp", path, (long)getpid());
    if (buf_status(&temporary, e)) return e->status;
    int fd = open(temporary.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        err_set(e, ERR_IO, "cannot write '%s': %s", path, strerror(errno));
    } else {
        write_file(fd, path, entry, count, metadata, e);
        if (close(fd) && e->status == OK) err_set(e, ERR_IO, "cannot write '%s': %s", path, strerror(errno));
        if (e->status == OK && rename(temporary.data, path))
            err_set(e, ERR_IO, "cannot write '%s': %s", path, strerror(errno));
        if (e->status) unlink(temporary.data);
    }
    buf_free(&temporary);
    return e->status;
}
