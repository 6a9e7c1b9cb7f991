/* Lua's letters and digits: ASCII whatever the locale, unlike <ctype.h>'s. */
#ifndef CELL_NAME_H
#define CELL_NAME_H

#include <stdbool.h>

static inline bool cell_is_digit(int c) {
    return c >= '0' && c <= '9';
}
static inline bool cell_is_letter(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
/* What a name goes on with. */
static inline bool cell_is_name(int c) {
    return cell_is_letter(c) || cell_is_digit(c);
}

#endif
