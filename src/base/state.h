/* Files that celda keeps for its user from one run to the next: $XDG_STATE_HOME/celda, else ~/.local/state/celda; and those
 * that the user writes for celda: $XDG_CONFIG_HOME/celda, else ~/.config/celda. */
#ifndef BASE_STATE_H
#define BASE_STATE_H

#include <stddef.h>

#include "base/err.h"

/* Where the file `name` ("history", "journals/x") belongs. The folders above it are made, for the user alone. ERR_IO says
 * that there is no home, or which folder cannot be made. */
enum status state_path(const char *name, char *path, size_t size, struct err *e);
/* Where the user's file `name` would be; nothing is made. */
enum status config_path(const char *name, char *path, size_t size, struct err *e);

#endif
