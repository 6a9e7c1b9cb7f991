/* Growable arrays whose capacity follows from their count, so that a struct needs only a pointer and a count. */
#ifndef CELL_ARRAY_H
#define CELL_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Makes room for one item after `count` of them. `array` is the address of the pointer to the first item, which is
 * replaced when the items move; on a failure it stays as it is. Freed with mem_free. */
bool array_room(void *array, size_t count, size_t item_size, struct err *e);

/* The address of a new, zeroed item at the end, or NULL with ERR_MEMORY in e. */
#define ARRAY_PUSH(array, count, e)                                                                                    \
    (array_room(&(array), (count), sizeof *(array), (e)) ? memset(&(array)[(count)++], 0, sizeof *(array)) : NULL)

#endif
