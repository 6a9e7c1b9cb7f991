/* .npz: ZIP archives of .npy files, as far as numpy.savez and savez_compressed write them. Source: PKWARE's APPNOTE.TXT. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "tensor/npy.h"
#include "tensor/replace.h"

enum {
    LOCAL = 0x04034b50,
    CENTRAL = 0x02014b50,
    END = 0x06054b50,
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    STORED = 0,
    DEFLATED = 8,
    WIDE = 1, /* the extra field with sizes of 64 bits */
};

/* One file of an archive. */
struct member {
    const char *name;
    size_t name_size;
    unsigned method;
    uint32_t crc;
    uint64_t packed, size, at; /* bytes in the archive and unpacked; where its local header is */
};

struct archive {
    const unsigned char *bytes;
    size_t size;
};

static uint64_t little(const unsigned char *p, int n) {
    uint64_t x = 0;
    while (n-- > 0) x = x << 8 | p[n];
    return x;
}

bool npz_is(const void *bytes, size_t n) {
    return n >= 4 && (little(bytes, 4) == LOCAL || little(bytes, 4) == END);
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static enum status damaged(struct err *e) {
    return err_set(e, ERR_IO, "npz: the archive is damaged or cut short");
}

/* The end record, which a comment may follow. */
static const unsigned char *find_end(const struct archive *a) {
    for (size_t back = END_SIZE; back <= a->size && back <= END_SIZE + 65535; back++)
        if (little(a->bytes + a->size - back, 4) == END) return a->bytes + a->size - back;
    return NULL;
}

/* Sizes that do not fit into 32 bits stand in an extra field, in this order, those alone. */
static void read_wide(struct member *m, const unsigned char *extra, size_t n) {
    while (n >= 4) {
        size_t size = (size_t)little(extra + 2, 2);
        if (size > n - 4) return;
        const unsigned char *p = extra + 4, *end = p + size;
        uint64_t *const wide[] = {&m->size, &m->packed, &m->at};
        for (int i = 0; little(extra, 2) == WIDE && i < 3; i++)
            if (*wide[i] == UINT32_MAX && end - p >= 8) *wide[i] = little(p, 8), p += 8;
        extra += 4 + size;
        n -= 4 + size;
    }
}

/* The next entry of the central directory, at *p; moves behind it. */
static bool next_member(const struct archive *a, const unsigned char **p, struct member *m) {
    const unsigned char *c = *p, *end = a->bytes + a->size;
    if (end - c < CENTRAL_SIZE || little(c, 4) != CENTRAL) return false;
    size_t name = (size_t)little(c + 28, 2), extra = (size_t)little(c + 30, 2), comment = (size_t)little(c + 32, 2);
    if ((size_t)(end - c) < CENTRAL_SIZE + name + extra + comment) return false;
    *m = (struct member){.name = (const char *)c + CENTRAL_SIZE,
                         .name_size = name,
                         .method = (unsigned)little(c + 10, 2),
                         .crc = (uint32_t)little(c + 16, 4),
                         .packed = little(c + 20, 4),
                         .size = little(c + 24, 4),
                         .at = little(c + 42, 4)};
    read_wide(m, c + CENTRAL_SIZE + name, extra);
    *p = c + CENTRAL_SIZE + name + extra + comment;
    return true;
}

/* Where the member's data are; NULL: outside of the archive. */
static const unsigned char *data_of(const struct archive *a, const struct member *m) {
    if (m->at > a->size || a->size - m->at < LOCAL_SIZE) return NULL;
    const unsigned char *l = a->bytes + m->at;
    uint64_t head = LOCAL_SIZE + little(l + 26, 2) + little(l + 28, 2);
    if (little(l, 4) != LOCAL || a->size - m->at < head || a->size - m->at - head < m->packed) return NULL;
    return l + head;
}

/* m->size bytes into `out`; false: they are damaged. */
static bool unpack(const struct member *m, const unsigned char *data, unsigned char *out) {
    if (m->method == STORED) {
        if (m->packed != m->size) return false;
        memcpy(out, data, m->size);
        return true;
    }
    z_stream z = {.next_in = (Bytef *)data, .next_out = out};
    uint64_t in = m->packed, room = m->size;
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) return false;
    int status = Z_OK;
    while (status == Z_OK && (in || room || z.avail_in || z.avail_out)) {
        uInt more_in = in < (1 << 30) ? (uInt)in : 1 << 30, more_room = room < (1 << 30) ? (uInt)room : 1 << 30;
        if (!z.avail_in) z.avail_in = more_in, in -= more_in;
        if (!z.avail_out) z.avail_out = more_room, room -= more_room;
        status = inflate(&z, Z_NO_FLUSH);
    }
    bool whole = status == Z_STREAM_END && !room && !z.avail_out;
    inflateEnd(&z);
    return whole;
}

static enum status read_member(struct device *device, const struct archive *a, const struct member *m,
                               struct tensor **out, struct err *e) {
    const unsigned char *data = data_of(a, m);
    if (m->method != STORED && m->method != DEFLATED)
        return err_set(e, ERR_IO, "npz: compression method %u is not supported", m->method);
    if (!data || m->size / 1100 > m->packed) return damaged(e); /* deflate gains no more than 1032 to 1 */
    unsigned char *bytes = mem_block_alloc(m->size, e);
    if (!bytes) return e->status;
    if (!unpack(m, data, bytes) || (uint32_t)crc32_z(0, bytes, m->size) != m->crc)
        damaged(e);
    else
        npy_read(device, bytes, m->size, out, e);
    mem_block_free(bytes);
    return e->status;
}

/* "weights.npy" is the tensor "weights". */
static char *name_of(const struct member *m, struct err *e) {
    static const char ending[] = ".npy";
    size_t n = m->name_size, k = sizeof ending - 1;
    if (n > k && memcmp(m->name + n - k, ending, k) == 0) n -= k;
    char *name = mem_alloc(n + 1, e);
    if (!name) return NULL;
    memcpy(name, m->name, n);
    name[n] = 0;
    return name;
}

enum status npz_read(struct device *device, const void *bytes, size_t n, struct safetensors *out, struct err *e) {
    const struct archive a = {bytes, n};
    const unsigned char *end = find_end(&a), *p;
    *out = (struct safetensors){.metadata = json_object()};
    if (!end) return damaged(e);
    size_t count = (size_t)little(end + 10, 2), at = (size_t)little(end + 16, 4);
    if (at > n) return damaged(e);
    out->entry = mem_zalloc((count + 1) * sizeof *out->entry, e);
    p = a.bytes + at;
    for (size_t i = 0; i < count && e->status == OK; i++) {
        struct safetensors_entry *entry = &out->entry[i];
        struct member m;
        if (!next_member(&a, &p, &m)) return damaged(e);
        entry->name = name_of(&m, e);
        if (!entry->name) return e->status;
        out->count++;
        if (read_member(device, &a, &m, &entry->tensor, e)) err_prefix(e, "'%s'", entry->name);
    }
    return e->status;
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

struct writer {
    struct file_writer file;
    struct buf central;
    uint64_t at;
};

static void put(struct buf *b, uint64_t x, int n) {
    for (int i = 0; i < n; i++) buf_putc(b, (char)(x >> 8 * i & 0xff));
}

/* What a local and a central header share. The date is 1980's first day, as numpy writes it. */
static void put_common(struct buf *b, const struct member *m) {
    put(b, 20, 2);    /* version needed */
    put(b, 0x800, 2); /* names are UTF-8 */
    put(b, STORED, 2);
    put(b, 0, 2);    /* time */
    put(b, 0x21, 2); /* date */
    put(b, m->crc, 4);
    put(b, m->size, 4);
    put(b, m->size, 4);
    put(b, m->name_size + 4, 2);
    put(b, 0, 2); /* no extra field */
}

static void put_name(struct buf *b, const struct member *m) {
    buf_put(b, m->name, m->name_size);
    buf_puts(b, ".npy");
}

static void put_central(struct buf *b, const struct member *m) {
    put(b, CENTRAL, 4);
    put(b, 20, 2); /* version made by */
    put_common(b, m);
    put(b, 0, 2); /* no comment */
    put(b, 0, 4); /* disk, internal attributes */
    put(b, 0600u << 16, 4);
    put(b, m->at, 4);
    put_name(b, m);
}

static enum status write_member(struct writer *w, const struct safetensors_entry *entry, struct err *e) {
    struct buf header = {0}, local = {0};
    void *block = NULL;
    const void *bytes = tensor_host(entry->tensor, &block, e);
    if (bytes && npy_put_header(entry->tensor, &header, e) == OK) {
        size_t n = tensor_bytes(entry->tensor);
        uint32_t crc = (uint32_t)crc32_z(crc32_z(0, (Bytef *)header.data, header.len), bytes, n);
        struct member m = {
            .name = entry->name, .name_size = strlen(entry->name), .crc = crc, .size = header.len + n, .at = w->at};
        put(&local, LOCAL, 4);
        put_common(&local, &m);
        put_name(&local, &m);
        put_central(&w->central, &m);
        if (w->at + m.size + local.len + w->central.len > UINT32_MAX)
            err_set(e, ERR_UNSUPPORTED, "npz: more than 4 GB in one file; safetensors.save has no such limit");
        else if (buf_status(&local, e) == OK && file_write(&w->file, local.data, local.len, e) == OK &&
                 file_write(&w->file, header.data, header.len, e) == OK)
            file_write(&w->file, bytes, n, e);
        w->at += local.len + m.size;
    }
    buf_free(&header);
    buf_free(&local);
    mem_block_free(block);
    return e->status;
}

static enum status write_end(struct writer *w, int count, struct err *e) {
    uint64_t size = w->central.len;
    put(&w->central, END, 4);
    put(&w->central, 0, 4);
    put(&w->central, (uint64_t)count, 2);
    put(&w->central, (uint64_t)count, 2);
    put(&w->central, size, 4);
    put(&w->central, w->at, 4);
    put(&w->central, 0, 2);
    return buf_status(&w->central, e) ? e->status : file_write(&w->file, w->central.data, w->central.len, e);
}

enum status npz_save(const char *path, const struct safetensors_entry *entry, int count, struct err *e) {
    struct writer w = {0};
    if (count > UINT16_MAX) return err_set(e, ERR_UNSUPPORTED, "npz: more than %d tensors", UINT16_MAX);
    if (replace_check(path, FILE_NPZ, e) || file_begin(&w.file, path, e)) return e->status;
    for (int i = 0; i < count && e->status == OK; i++) write_member(&w, &entry[i], e);
    if (e->status == OK) write_end(&w, count, e);
    buf_free(&w.central);
    if (e->status == OK) return file_commit(&w.file, e);
    file_abort(&w.file);
    return e->status;
}
