/* Writing files that are whole or not there: a temporary file beside the path, synced, then renamed over it. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct file_writer {
    int fd;
    bool named;  /* the temporary file is seen in its folder */
    mode_t mode; /* of the file that is replaced; 0: there is none */
    struct buf path, temporary;
};

/* Every error is ERR_IO, or ERR_MEMORY, and names the path. After file_begin succeeded, either file_commit or file_abort
 * ends the writing and frees everything; file_commit does so after an error, too. The old file, if there was one, is as it
 * was until file_commit returns OK; the new one has its mode, and a symbolic link to it stays one. What is no regular file
 * (a device, a pipe) is not replaced. */
enum status file_begin(struct file_writer *w, const char *path, struct err *e);
enum status file_write(struct file_writer *w, const void *bytes, size_t n, struct err *e);
/* Over what was written before. */
enum status file_write_at(struct file_writer *w, uint64_t offset, const void *bytes, size_t n, struct err *e);
/* The file's bytes and then its folder's entry are on the disk when this returns. */
enum status file_commit(struct file_writer *w, struct err *e);
void file_abort(struct file_writer *w);
/* All of it at once. */
enum status file_replace(const char *path, const void *bytes, size_t n, struct err *e);

/* For tests: the n-th call to the system from now (1 = the next) and all after it fail with this errno; 0 for a write that
 * takes half of its bytes, once. n = 0 turns it off. Returns how many calls were seen since the last one. */
unsigned file_fail(unsigned n, int error);

#endif
