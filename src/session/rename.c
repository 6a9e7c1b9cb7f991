/* Cells of a notebook that got other numbers: what the session noted of "[3]" stays with the cell that had that name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/internal.h"

static const char former[] = "former ";

static void each_name(struct session *s, session_name_fn *fn, void *arg) {
    if (s->trail) trail_each_name(s->trail, fn, arg);
    session_undo_each_name(s, fn, arg);
    session_ledger_each_name(s, fn, arg);
}

struct numbers {
    const int *to;
    int count;
};

static void rename_cell(void *arg, char name[32]) {
    const struct numbers *numbers = arg;
    const int n = *name == '[' ? atoi(name + 1) : 0;
    if (n < 1 || n > numbers->count || numbers->to[n - 1] == n) return;
    if (numbers->to[n - 1] > 0)
        snprintf(name, 32, "[%d]", numbers->to[n - 1]);
    else
        snprintf(name, 32, "%s[%d]", former, n);
}

void session_rename_cells(struct session *s, const int *to, int count) {
    each_name(s, rename_cell, &(struct numbers){to, count});
}

static void name_again(void *arg, char name[32]) {
    const int n = *(int *)arg;
    char gone[32];
    snprintf(gone, sizeof gone, "%s[%d]", former, n);
    if (strcmp(name, gone) == 0) snprintf(name, 32, "[%d]", n);
}

void session_restore_cell(struct session *s, int n) {
    each_name(s, name_again, &n);
}
