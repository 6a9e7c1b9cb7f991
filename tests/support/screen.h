/* What a terminal shows: characters, cursor movements and erasures as xterm does them; colours are passed over. */
#ifndef SUPPORT_SCREEN_H
#define SUPPORT_SCREEN_H

#include <stdbool.h>

#include "base/buf.h"

enum { SCREEN_ROWS = 40, SCREEN_COLUMNS = 300 };

struct screen {
    int rows, columns, row, column;
    bool wraps;             /* the cursor stands behind the last column */
    bool escapes, coloured; /* an escape was seen, one that gives a colour or a font */
    char cell[SCREEN_ROWS][SCREEN_COLUMNS][16];
    struct buf partial; /* of an escape or a character that is not whole yet */
};

void screen_open(struct screen *s, int rows, int columns);
void screen_close(struct screen *s);
void screen_write(struct screen *s, const char *bytes, size_t n);
/* As terminals do that break rows which have become too long. */
void screen_resize(struct screen *s, int columns);
/* A row without the blanks at its end; valid until the next call. */
const char *screen_row(const struct screen *s, int row);

#endif
