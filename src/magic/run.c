/* %run and %continue: the cells of a range, or all that are left. They stop at the first that fails, and before one with
 * a breakpoint. */
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
    if (dash && dash[1] && magic_parse_cell(nb, dash + 1, last, e)) return e->status;
    return *first > *last ? err_set(e, ERR_VALUE, "'%s' is an empty range", text) : OK;
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

/* From one to the other; a breakpoint stops it, but on the first. */
static enum status run_range(const struct magic_call *c, int first, int last) {
    struct magic_notebook *nb = c->notebook;
    for (int n = first; n <= last; n++) {
        if (n > first && nb->state[n - 1].breakpoint) {
            magic_print(c, "breakpoint at [%d]\n", n);
            return OK;
        }
        enum status s = nb->run_cell(nb, n);
        if (s) return s;
    }
    return OK;
}

/* Until cell `text` is the next one, or the end. */
static enum status run_to(const struct magic_call *c, const char *text, struct err *e) {
    const struct magic_notebook *nb = c->notebook;
    int stop = nb->count + 1;
    if (*text && magic_parse_cell(nb, text, &stop, e)) return e->status;
    if (nb->next > nb->count) return err_set(e, ERR_STATE, "no cells left to run; %%goto 1 starts again");
    if (stop <= nb->next)
        return err_set(e, ERR_VALUE, "the next cell is %d already: %%goto %d goes back", nb->next, stop);
    return run_range(c, nb->next, stop - 1);
}

static enum status run(const struct magic_call *c, struct err *e) {
    const struct magic_notebook *nb = c->notebook;
    int first, last;
    if (strcmp(c->args, "stale") == 0) return run_stale(c, e);
    if (strncmp(c->args, "to ", 3) == 0) return run_to(c, c->args + 3 + strspn(c->args + 3, " "), e);
    if (parse_range(nb, c->args, &first, &last, e)) return e->status;
    if (first > last) magic_print(c, "no cells left to run; %%goto 1 starts again\n");
    return run_range(c, first, last);
}

const struct magic magic_run = {
    .name = "run",
    .usage = "%run [N | N-M | N- | to N | stale]",
    .help = "runs cells\n%run runs all that are left, %run 3 one, %run 3-5 a range, %run to 5 those before cell 5, "
            "%run stale those whose results are out of date (%list shows them). It stops at the first failure, and "
            "before a cell with a breakpoint (%break).",
    .needs_notebook = true,
    .run = run,
};

static enum status run_continue(const struct magic_call *c, struct err *e) {
    return run_to(c, c->args, e);
}

const struct magic magic_continue = {
    .name = "continue",
    .usage = "%continue [N]",
    .help = "runs cells until a breakpoint, cell N or the end\nCell N does not run: it is the next one then.",
    .needs_notebook = true,
    .run = run_continue,
};
