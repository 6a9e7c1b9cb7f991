/* A file of records that outlives what kills its writer: whatever was put stays whole, and a record that was cut short is
 * told from one that is there. Little-endian:
 *
 *     "celda journal 1\n"
 *     record*    crc (4 bytes: CRC-32 of all that follows)  size (4)  kind (1)  body (size) */
#ifndef SESSION_JOURNAL_FILE_H
#define SESSION_JOURNAL_FILE_H

#include <stdint.h>

#include "base/buf.h"

/* ---- writing: one write(2) a record --------------------------------------------------------------------------------- */

struct journal_file;

/* A new file, mode 0600, that no other process can open for writing while this one lives. */
enum status journal_file_create(const char *path, struct journal_file **out, struct err *e);
/* Goes on at the end of what is whole in an old one. ERR_STATE: another process writes it. */
enum status journal_file_continue(const char *path, struct journal_file **out, struct err *e);
/* Waits until what was put is on disk. */
void journal_file_close(struct journal_file *f);

/* Appends a record whose body is `head` and then `bytes`. After a failure (a full disk) the file is whole as it was, and
 * the record is kept in memory and tried again before the next one; once megabytes wait, those that may be lost are. */
enum status journal_file_put(struct journal_file *f, char kind, const struct buf *head, const void *bytes, size_t n,
                             struct err *e);
/* Bytes of the file. */
size_t journal_file_size(const struct journal_file *f);
/* Starts bringing all that was put to the disk, on a thread of the file's own. */
void journal_file_sync(struct journal_file *f);
/* What that thread met since the last call (EIO); OK otherwise. */
enum status journal_file_synced(struct journal_file *f, struct err *e);

/* For tests: the n-th write from now (1 = the next) and the `times` - 1 after it fail with `error`, or, where that is 0,
 * write half of what they should. Returns how many writes were seen since the last call. */
size_t journal_file_fail(size_t n, size_t times, int error);

/* ---- reading -------------------------------------------------------------------------------------------------------- */

struct journal_reader {
    struct buf file;
    size_t at; /* of the next record */
};

struct journal_record {
    char kind;
    const char *body;
    size_t size;
};

/* ERR_IO: not readable; ERR_VALUE: no journal. Also of a file that another process writes. */
enum status journal_reader_open(struct journal_reader *r, const char *path, struct err *e);
/* The next whole record, which is good until the reader is closed; false at the end of what is whole. */
bool journal_reader_next(struct journal_reader *r, struct journal_record *out);
/* Bytes behind the last whole record, once that was read. */
size_t journal_reader_torn(const struct journal_reader *r);
void journal_reader_close(struct journal_reader *r);

#endif
