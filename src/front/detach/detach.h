/* What the two ends of a detached session share: the socket between them. Packets from who is attached: 'k' and keys, or 'w',
 * rows and columns (2 bytes each, little-endian); to it: 'o' and bytes of the screen, or 'e' and a line that ends it. */
#ifndef FRONT_DETACH_DETACH_H
#define FRONT_DETACH_DETACH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { DETACH_PACKET = 4096 };

/* Where a notebook's socket is: in $XDG_RUNTIME_DIR/celda, else in the folder of celda's state; only its user may enter. */
enum status detach_socket_path(const char *notebook, char *path, size_t size, struct err *e);
/* Listens there, mode 0600. ERR_STATE: a session of that notebook is detached already. */
enum status detach_listen(const char *path, int *fd, struct err *e);
/* ERR_NOT_FOUND: nobody listens there. */
enum status detach_connect(const char *path, int *fd, struct err *e);
/* Whether the process at the other end is this user's. */
bool detach_is_ours(int fd);

/* The process that keeps the session's terminal: until `child` ends, it gives what is on the terminal `fd` to whoever is
 * attached, and keeps it while nobody is. The socket at `path` goes before anyone is told of the end. */
void detach_keep(int listener, const char *path, int fd, int child);

#endif
