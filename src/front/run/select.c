/* Cells chosen by number and by tag. */
#include "front/run/select.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Whether number n is in a list like "1,3-5,8-". */
static enum status has_number(const char *list, int n, bool *found, struct err *e) {
    *found = false;
    for (const char *p = list; *p;) {
        char *end;
        long first = strtol(p, &end, 10), last = first;
        if (end == p || first < 1) return err_set(e, ERR_VALUE, "cannot read the list of cells '%s'", list);
        if (*end == '-') {
            p = end + 1;
            last = strtol(p, &end, 10);
            if (end == p) last = LONG_MAX;
        }
        if (*end && *end != ',') return err_set(e, ERR_VALUE, "cannot read the list of cells '%s'", list);
        *found |= n >= first && n <= last;
        p = *end ? end + 1 : end;
    }
    return OK;
}

/* Whether the cell has one of the tags in "slow,gpu". */
static bool has_one(const struct cell *c, const char *tags) {
    char tag[128];
    for (const char *p = tags; *p;) {
        size_t n = strcspn(p, ",");
        if (n > 0 && n < sizeof tag) {
            memcpy(tag, p, n);
            tag[n] = 0;
            if (cell_has_tag(c, tag)) return true;
        }
        p += n + (p[n] == ',');
    }
    return false;
}

enum status run_selects(const struct run_selection *s, const struct cell *c, int n, bool *taken, struct err *e) {
    *taken = true;
    if (s->cells && has_number(s->cells, n, taken, e)) return e->status;
    if (s->tags && !has_one(c, s->tags)) *taken = false;
    if (s->skip_tags && has_one(c, s->skip_tags)) *taken = false;
    return OK;
}
