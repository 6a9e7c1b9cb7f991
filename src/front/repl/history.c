/* History across runs, in $XDG_STATE_HOME/celda/history. Each line is appended at once: a killed session loses none. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* readline.h wants stdio.h first */
#include <readline/history.h>

#include "front/repl/repl.h"

static char path[PATH_MAX];
static bool writable;

/* Makes the folders of a path, all but its last part. */
static bool make_folders(char *p) {
    for (char *slash = strchr(p + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        bool failed = mkdir(p, 0700) && errno != EEXIST;
        *slash = '/';
        if (failed) return false;
    }
    return true;
}

static bool choose_path(void) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n = 0;
    if (state && *state == '/')
        n = snprintf(path, sizeof path, "%s/celda/history", state);
    else if (home && *home == '/')
        n = snprintf(path, sizeof path, "%s/.local/state/celda/history", home);
    return n > 0 && n < (int)sizeof path;
}

void repl_open_history(struct repl *r) {
    using_history();
    stifle_history(10000);
    writable = choose_path() && make_folders(path);
    FILE *f = writable ? fopen(path, "a") : NULL;
    if (f) fclose(f);
    writable = f != NULL;
    if (writable)
        read_history(path);
    else
        repl_print(r, "(the history cannot be kept: %s is not writable)\n", *path ? path : "no home directory");
}

/* One line each: a cell of many lines stands as one entry with its line ends. */
void repl_add_history(struct repl *r, const char *line) {
    (void)r;
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (!*line || (last && strcmp(last->line, line) == 0)) return;
    add_history(line);
    if (writable && !strchr(line, '\n')) append_history(1, path);
}
