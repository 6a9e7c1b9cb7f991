/* Growable arrays whose capacity is a power of two, known from the count alone. */
#include "cell/array.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#define SMALLEST 4

bool array_room(void *array, size_t count, size_t item_size, struct err *e) {
    bool full = count == 0 || (count >= SMALLEST && (count & (count - 1)) == 0);
    if (!full) return true;
    void *items;
    memcpy(&items, array, sizeof items);
    size_t capacity = count ? 2 * count : SMALLEST;
    if (capacity > SIZE_MAX / item_size)
        return err_set(e, ERR_MEMORY, "%zu items of %zu bytes", capacity, item_size), false;
    items = mem_realloc(items, capacity * item_size, e);
    if (!items) return false;
    memcpy(array, &items, sizeof items);
    return true;
}
