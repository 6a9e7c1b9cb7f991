/* History across runs, in $XDG_STATE_HOME/celda/history. Each cell is appended at once: a killed session loses none. A line
 * of the file that begins with a tab goes on with the cell above. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* readline.h wants stdio.h first */
#include <readline/history.h>
#include <readline/readline.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/state.h"
#include "front/repl/repl.h"

enum { KEPT = 10000 }; /* cells; the file has at most about twice as many */

static char path[PATH_MAX];
static bool writable;

/* ---- the file -------------------------------------------------------------------------------------------------------- */

static bool add_entry(struct buf *entry) {
    const bool any = entry->len > 0;
    if (any) add_history(buf_text(entry));
    buf_free(entry);
    return any;
}

/* Returns how many cells there are. */
static int read_file(FILE *f) {
    struct buf entry = {0};
    char *line = NULL;
    size_t room = 0;
    int count = 0;
    for (ssize_t n; (n = getline(&line, &room, f)) > 0;) {
        const bool goes_on = *line == '\t' && entry.len > 0;
        if (line[n - 1] == '\n') n--;
        if (goes_on)
            buf_putc(&entry, '\n');
        else
            count += add_entry(&entry);
        buf_put(&entry, line + goes_on, (size_t)n - goes_on);
    }
    count += add_entry(&entry);
    free(line);
    return count;
}

static void put_cell(const char *cell, struct buf *lines) {
    cell += strspn(cell, "\t\n"); /* or it would seem to go on with the cell above */
    for (; *cell; cell++) {
        buf_putc(lines, *cell);
        if (*cell == '\n') buf_putc(lines, '\t');
    }
    buf_putc(lines, '\n');
}

static void append(const char *cell) {
    struct buf lines = {0};
    FILE *f = fopen(path, "a");
    put_cell(cell, &lines);
    if (f) {
        fwrite(buf_text(&lines), 1, lines.len, f);
        fclose(f);
    }
    buf_free(&lines);
}

/* The file with what is known of it alone. */
static void shrink(void) {
    struct buf lines = {0};
    struct err ignored = {0};
    for (int i = 0; i < history_length; i++) put_cell(history_get(history_base + i)->line, &lines);
    if (!lines.failed) file_replace(path, buf_text(&lines), lines.len, &ignored);
    buf_free(&lines);
}

void repl_open_history(struct repl *r) {
    struct err e = {0};
    using_history();
    stifle_history(KEPT);
    FILE *f = state_path("history", path, sizeof path, &e) == OK ? fopen(path, "a+") : NULL;
    writable = f != NULL;
    if (!writable) {
        repl_tell(r, "(the history cannot be kept: %s%s)\n", e.status ? e.text : path,
                  e.status ? "" : " is not writable");
        return;
    }
    rewind(f);
    if (read_file(f) > 2 * KEPT) shrink();
    fclose(f);
}

void repl_add_history(struct repl *r, const char *cell) {
    (void)r;
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (!*cell || (last && strcmp(last->line, cell) == 0)) return;
    add_history(cell);
    if (writable) append(cell);
}

/* ---- walking --------------------------------------------------------------------------------------------------------- */

/* What the cells that are walked through begin with: what stood before the cursor when the walk began. It goes on while
 * the input is as the walk left it. */
static char *prefix, *left;

static void set_text(char **text, const char *value) {
    mem_free(*text);
    *text = mem_strdup(value, NULL);
}

static void begin_walk(void) {
    if (left && strcmp(left, rl_line_buffer) == 0) return;
    set_text(&prefix, rl_line_buffer);
    if (prefix) prefix[rl_point] = 0;
}

static bool fits(int i) {
    const HIST_ENTRY *entry = history_get(history_base + i);
    return entry && prefix && strncmp(entry->line, prefix, strlen(prefix)) == 0 &&
           strcmp(entry->line, rl_line_buffer) != 0;
}

int repl_walk_history(int direction, int key) {
    const int from = where_history();
    int to = from + direction;
    begin_walk();
    while (to >= 0 && to < history_length && !fits(to)) to += direction;
    if (to < 0 || from == history_length + (direction < 0)) return rl_ding();
    if (direction < 0)
        rl_get_previous_history(from - to, key);
    else
        rl_get_next_history(to - from, key);
    set_text(&left, rl_line_buffer);
    if (direction > 0) rl_point = (int)strcspn(rl_line_buffer, "\n");
    return 0;
}
