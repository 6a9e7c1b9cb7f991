/* Cells of a notebook that got other numbers: what the session noted of "[3]" stays with the cell that had that name. */
#include <stdio.h>
#include <stdlib.h>

#include "session/internal.h"

void session_rename(char name[32], const struct session_numbers *numbers) {
    const int n = *name == '[' ? atoi(name + 1) : 0;
    if (n < 1 || n > numbers->count || numbers->to[n - 1] == n) return;
    if (numbers->to[n - 1] > 0)
        snprintf(name, 32, "[%d]", numbers->to[n - 1]);
    else
        snprintf(name, 32, "former [%d]", n);
}

void session_rename_cells(struct session *s, const int *to, int count) {
    const struct session_numbers numbers = {to, count};
    if (s->trail) trail_rename(s->trail, &numbers);
    session_undo_rename(s, &numbers);
    session_ledger_rename(s, &numbers);
}
