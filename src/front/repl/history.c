/* History across runs, in $XDG_STATE_HOME/celda/history. Each line is appended at once: a killed session loses none. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* readline.h wants stdio.h first */
#include <readline/history.h>

#include "base/state.h"
#include "front/repl/repl.h"

static char path[PATH_MAX];
static bool writable;

void repl_open_history(struct repl *r) {
    struct err e = {0};
    using_history();
    stifle_history(10000);
    FILE *f = state_path("history", path, sizeof path, &e) == OK ? fopen(path, "a") : NULL;
    writable = f != NULL;
    if (f) fclose(f);
    if (writable)
        read_history(path);
    else
        repl_print(r, "(the history cannot be kept: %s%s)\n", e.status ? e.text : path,
                   e.status ? "" : " is not writable");
}

/* One line each: a cell of many lines stands as one entry with its line ends. */
void repl_add_history(struct repl *r, const char *line) {
    (void)r;
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (!*line || (last && strcmp(last->line, line) == 0)) return;
    add_history(line);
    if (writable && !strchr(line, '\n')) append_history(1, path);
}
