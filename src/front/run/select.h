/* Which cells of a notebook a headless run takes. */
#ifndef FRONT_RUN_SELECT_H
#define FRONT_RUN_SELECT_H

#include "cell/notebook.h"

struct run_selection {
    const char *cells;     /* numbers: "1,3-5,8-"; NULL: all */
    const char *tags;      /* "slow,gpu": those with one of these tags alone; NULL: whatever their tags */
    const char *skip_tags; /* none with one of these */
};

/* Whether it takes code cell n. ERR_VALUE: the list of numbers cannot be read. */
enum status run_selects(const struct run_selection *s, const struct cell *c, int n, bool *taken, struct err *e);

#endif
