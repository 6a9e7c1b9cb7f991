/* %run: the cells of a range, or all that are left. It stops at the first that fails. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "magic/magic.h"

/* "3", "3-5", "3-", "" (from the next one to the end). */
static enum status parse_range(const struct magic_notebook *nb, const char *text, int *first, int *last,
                               struct err *e) {
    char part[32] = "";
    const char *dash = strchr(text, '-');
    *first = nb->next;
    *last = nb->count;
    if (!*text) return OK;
    strncat(part, text, dash && dash - text < 31 ? (size_t)(dash - text) : sizeof part - 1);
    if (magic_parse_cell(nb, part, first, e)) return e->status;
    if (!dash) *last = *first;
    return dash && dash[1] ? magic_parse_cell(nb, dash + 1, last, e) : OK;
}

/* Those that are out of date, from the top: running one may make another one stale, or fresh. */
static enum status run_stale(const struct magic_call *c, struct err *e) {
    struct magic_notebook *nb = c->notebook;
    const int next = nb->next;
    int ran = 0;
    struct magic_stale *stale = mem_alloc(sizeof *stale * (size_t)(nb->count + 1), e);
    enum status s = stale ? OK : e->status;
    for (int n = 1; s == OK && n <= nb->count; n++) {
        s = magic_find_stale(c->session, nb, stale, e);
        if (s || !stale[n - 1].kind) continue;
        s = nb->run_cell(nb, n);
        ran++;
    }
    mem_free(stale);
    if (s == OK && ran == 0) magic_print(c, "no cell is stale\n");
    if (s == OK) nb->next = next;
    return s;
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct magic_notebook *nb = c->notebook;
    int first, last;
    if (strcmp(c->args, "stale") == 0) return run_stale(c, e);
    if (parse_range(nb, c->args, &first, &last, e)) return e->status;
    if (first > last) magic_print(c, "no cells left to run; %%goto 1 starts again\n");
    for (int n = first; n <= last; n++) {
        enum status s = nb->run_cell(nb, n);
        if (s) return s;
    }
    return OK;
}

const struct magic magic_run = {
    .name = "run",
    .usage = "%run [N | N-M | N- | stale]",
    .help = "runs cells\n%run runs all that are left, %run 3 one, %run 3-5 a range, %run stale those whose results are "
            "out of date (%list shows them); it stops at the first failure.",
    .needs_notebook = true,
    .run = run,
};
