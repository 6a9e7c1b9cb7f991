/* Reading and writing safetensors. Invariant: nothing of a header is believed before it is checked. Format: Hugging Face's
 * safetensors README. */
#include "tensor/safetensors.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "tensor/replace.h"

static const struct {
    const char *name;
    enum dtype dtype;
} known[] = {{"BOOL", DT_BOOL}, {"U8", DT_UINT8},    {"I32", DT_INT32},
             {"I64", DT_INT64}, {"F32", DT_FLOAT32}, {"F64", DT_FLOAT64}};

enum { KNOWN = sizeof known / sizeof *known };

/* ---- reading ------------------------------------------------------------------------------------------------------ */

struct reader {
    struct device *device;
    const char *data; /* what follows the header */
    uint64_t size;
    const char *crc; /* the checksums; NULL: none */
    bool salvage;
};

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

static enum status read_place(const json_t *j, const char *name, struct place *p, struct err *e) {
    const json_t *offsets = json_object_get(j, "data_offsets");
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    size_t bytes;
    if (read_dtype(j, name, &p->dtype, e) || read_shape(j, name, &p->shape, e)) return e->status;
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return err_set(e, ERR_IO, "tensor '%s' has no valid data_offsets", name);
    json_int_t b = json_integer_value(begin), n = json_integer_value(end);
    if (b < 0 || n < b) return err_set(e, ERR_IO, "tensor '%s' has no valid data_offsets", name);
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

/* zlib takes no more than 4 GB at once. */
static void add_crc(uint32_t *crc, const void *bytes, size_t n) {
    *crc = (uint32_t)crc32_z(*crc, bytes, n);
}

/* What is wrong with a tensor's bytes; NULL: nothing. */
static const char *damage(const struct reader *r, const struct place *p, int i) {
    char expected[9] = "", found[9];
    uint32_t crc = 0;
    if (p->end > r->size) return "lies outside of the data: the file was cut short";
    if (!r->crc) return NULL;
    strncat(expected, r->crc + 8 * (size_t)i, 8);
    add_crc(&crc, r->data + p->begin, p->end - p->begin);
    snprintf(found, sizeof found, "%08x", crc);
    return strcmp(found, expected) == 0 ? NULL : "is damaged: its checksum is wrong";
}

static enum status read_tensor(const struct reader *r, const struct place *p, int i, struct safetensors_entry *entry,
                               struct err *e) {
    entry->lost = damage(r, p, i);
    if (entry->lost && r->salvage) return OK;
    if (entry->lost) return err_set(e, ERR_IO, "tensor '%s' %s", entry->name, entry->lost);
    return tensor_from(r->device, p->dtype, &p->shape, r->data + p->begin, &entry->tensor, e);
}

static enum status read_tensors(const struct reader *r, const json_t *header, struct safetensors *out,
                                struct place *place, struct err *e) {
    const char *name;
    json_t *j;
    uint64_t used = 0;
    json_object_foreach((json_t *)header, name, j) {
        struct place *p = &place[out->count];
        if (strcmp(name, "__metadata__") == 0) continue;
        if (read_place(j, name, p, e)) return e->status;
        if (overlaps(p, place, out->count)) return err_set(e, ERR_IO, "tensor '%s' overlaps another", name);
        used += p->end - p->begin;
        struct safetensors_entry *entry = &out->entry[out->count];
        entry->name = mem_strdup(name, e);
        if (!entry->name) return e->status;
        if (read_tensor(r, p, out->count++, entry, e)) return e->status;
    }
    if (used < r->size && !r->salvage)
        return err_set(e, ERR_IO, "%llu bytes of data belong to no tensor", (unsigned long long)(r->size - used));
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

/* The metadata, and among them the checksums of all tensors. */
static enum status read_metadata(struct reader *r, const json_t *header, struct safetensors *out, struct err *e) {
    const json_t *metadata = json_object_get(header, "__metadata__"), *crc = json_object_get(metadata, "crc32");
    if (check_metadata(metadata, ERR_IO, e) || !metadata) return e->status;
    if (json_object_update(out->metadata, (json_t *)metadata))
        return err_set(e, ERR_MEMORY, "no memory for the metadata");
    if (crc && json_string_length(crc) != 8 * (json_object_size(header) - 1))
        return err_set(e, ERR_IO, "the checksums are not as many as the tensors");
    r->crc = json_string_value(crc);
    return OK;
}

static enum status read_bytes(struct reader *r, const struct buf *file, struct safetensors *out, struct err *e) {
    uint64_t length;
    if (file->len < 8) return err_set(e, ERR_IO, "truncated: %zu bytes are no header", file->len);
    memcpy(&length, file->data, 8);
    if (length >> 40) return err_set(e, ERR_IO, "it is no safetensors file");
    if (length > file->len - 8) return err_set(e, ERR_IO, "truncated: the header is longer than the file");
    json_t *header = json_parse(file->data + 8, (size_t)length, e);
    if (!header) return e->status = ERR_IO;
    if (!json_is_object(header)) err_set(e, ERR_IO, "the header is no JSON object");
    size_t n = json_object_size(header) + 1;
    out->entry = mem_zalloc(n * sizeof *out->entry, e);
    struct place *place = mem_zalloc(n * sizeof *place, e);
    r->data = file->data + 8 + length;
    r->size = file->len - 8 - length;
    if (e->status == OK && read_metadata(r, header, out, e) == OK) read_tensors(r, header, out, place, e);
    mem_free(place);
    json_decref(header);
    return e->status;
}

static enum status read_file(struct reader *r, const char *path, struct safetensors *out, struct err *e) {
    struct buf file = {0};
    *out = (struct safetensors){.metadata = json_object()};
    if (!out->metadata) return err_set(e, ERR_MEMORY, "no memory for the metadata of '%s'", path);
    if (buf_read_file(&file, path, e) == OK && read_bytes(r, &file, out, e)) err_prefix(e, "'%s'", path);
    buf_free(&file);
    return e->status;
}

enum status safetensors_load(struct device *device, const char *path, struct safetensors *out, struct err *e) {
    return read_file(&(struct reader){.device = device}, path, out, e);
}

enum status safetensors_salvage(struct device *device, const char *path, struct safetensors *out, struct err *e) {
    return read_file(&(struct reader){.device = device, .salvage = true}, path, out, e);
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

/* Adds the metadata, with the checksums where there are any. */
static enum status add_metadata(json_t *header, const json_t *metadata, const struct buf *crc, struct err *e) {
    if (metadata && check_metadata(metadata, ERR_TYPE, e)) return e->status;
    json_t *copy = metadata ? json_copy((json_t *)metadata) : json_object();
    if (crc) json_object_set_new(copy, "crc32", json_string(buf_text(crc)));
    if (json_object_size(copy) > 0) json_object_set(header, "__metadata__", copy);
    json_decref(copy);
    return OK;
}

/* The header, padded with blanks so that the data is 8-byte aligned. */
static enum status write_header(const struct safetensors_entry *entry, int count, const json_t *metadata,
                                const struct buf *crc, struct buf *out, struct err *e) {
    json_t *header = json_object();
    json_int_t at = 0;
    uint64_t length = 0;
    add_metadata(header, metadata, crc, e);
    for (int i = 0; i < count && e->status == OK; i++) {
        describe(header, &entry[i], at, e);
        at += (json_int_t)tensor_bytes(entry[i].tensor);
    }
    buf_put(out, &length, 8);
    json_write(header, 0, true, out);
    json_decref(header);
    while (out->len % 8 && !out->failed) buf_putc(out, ' ');
    if (e->status || buf_status(out, e)) return e->status;
    length = out->len - 8;
    memcpy(out->data, &length, 8);
    return OK;
}

/* Appends the checksum of what it writes. */
static enum status write_data(struct file_writer *w, const struct tensor *t, struct buf *crcs, struct err *e) {
    uint32_t crc = 0;
    void *block = NULL;
    const void *bytes = tensor_host(t, &block, e);
    if (bytes && file_write(w, bytes, tensor_bytes(t), e) == OK) add_crc(&crc, bytes, tensor_bytes(t));
    mem_block_free(block);
    buf_printf(crcs, "%08x", crc);
    return e->status;
}

/* The checksums are known at the end: the header is then written again, as long as before. */
static enum status write_file(struct file_writer *w, const struct safetensors_entry *entry, int count,
                              const json_t *metadata, bool checked, struct err *e) {
    struct buf header = {0}, crcs = {0}, none = {0};
    for (int i = 0; i < count; i++) buf_puts(&none, "00000000");
    if (buf_status(&none, e) == OK && write_header(entry, count, metadata, checked ? &none : NULL, &header, e) == OK)
        file_write(w, header.data, header.len, e);
    for (int i = 0; i < count && e->status == OK; i++) write_data(w, entry[i].tensor, &crcs, e);
    if (e->status == OK && checked && buf_status(&crcs, e) == OK) {
        buf_free(&header);
        if (write_header(entry, count, metadata, &crcs, &header, e) == OK)
            file_write_at(w, 0, header.data, header.len, e);
    }
    buf_free(&header);
    buf_free(&crcs);
    buf_free(&none);
    return e->status;
}

static enum status save(const char *path, const struct safetensors_entry *entry, int count, const json_t *metadata,
                        bool checked, struct err *e) {
    struct file_writer w;
    if (file_begin(&w, path, e)) return e->status;
    if (write_file(&w, entry, count, metadata, checked, e) == OK) return file_commit(&w, e);
    file_abort(&w);
    return e->status;
}

enum status safetensors_save(const char *path, const struct safetensors_entry *entry, int count, const json_t *metadata,
                             struct err *e) {
    if (replace_check(path, FILE_WEIGHTS, e)) return e->status;
    return save(path, entry, count, metadata, false, e);
}

enum status safetensors_save_checked(const char *path, const struct safetensors_entry *entry, int count,
                                     const json_t *metadata, struct err *e) {
    return save(path, entry, count, metadata, true, e);
}
