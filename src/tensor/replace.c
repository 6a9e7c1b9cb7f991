/* Which files may be written over. */
#include "tensor/replace.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tensor/npy.h"

enum { HEAD = 108 }; /* the bytes that tell a kind: safetensors' length, and 100 of its header */

static const char *const names[FILE_KINDS] = {[FILE_WEIGHTS] = "file of weights (safetensors)",
                                              [FILE_SESSION] = "saved session",
                                              [FILE_NPY] = ".npy file",
                                              [FILE_NPZ] = ".npz file"};

/* Of the header's length in eight bytes the last four are 0 in any file, and in no text. */
static bool is_safetensors(const char *head, size_t n) {
    return n > 8 && memcmp(head + 4, "\0\0\0", 4) == 0 && head[8] == '{';
}

/* FILE_KINDS: none of them. */
static enum file_kind kind_of(const char *head, size_t n) {
    if (is_safetensors(head, n)) return strstr(head + 8, "\"manifest_crc32\"") ? FILE_SESSION : FILE_WEIGHTS;
    if (npy_is(head, n)) return FILE_NPY;
    return npz_is(head, n) ? FILE_NPZ : FILE_KINDS;
}

enum status replace_check(const char *path, enum file_kind kind, struct err *e) {
    char head[HEAD + 1] = "";
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe is not waited for; file_begin refuses it */
    if (fd < 0) return OK;
    ssize_t n = read(fd, head, HEAD);
    close(fd);
    if (n <= 0) return OK;
    enum file_kind there = kind_of(head, (size_t)n);
    if (there == kind) return OK;
    if (there == FILE_KINDS)
        return err_set(e, ERR_IO, "'%s' is there and is no %s: it is not written over", path, names[kind]);
    return err_set(e, ERR_IO, "'%s' is there and is a %s, no %s: it is not written over", path, names[there],
                   names[kind]);
}
