/* Going on with a session that was interrupted: what its journal holds is shown again, and cells count as done or failed as
 * they were. Nothing runs. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "front/repl/repl.h"
#include "session/checkpoint.h"
#include "session/trail.h"

/* ---- in words ------------------------------------------------------------------------------------------------------- */

/* How the session came to its end: "was cut off while [7] ran". */
static const char *end_of(const struct journal_info *info, char *room, size_t size) {
    if (info->running) return "runs now";
    if (info->clean) return "ended";
    if (!*info->interrupted) return "was cut off";
    snprintf(room, size, "was cut off while %s ran", info->interrupted);
    return room;
}

/* ---- showing the journal again -------------------------------------------------------------------------------------- */

struct replay {
    struct repl *repl;
    struct buf loaded;         /* what was said of the checkpoint; empty: there is none */
    int known;                 /* runs that the checkpoint knows of */
    int first_lost, last_lost; /* cells that were done since; 0: none */
    int inputs_lost;
    int changed; /* a cell whose source is another one now; 0: none */
    int next;    /* the cell to go on with */
};

static const struct cell *cell_of(const struct repl *r, int number) {
    int at = r->notebook.notebook && number > 0 ? magic_cell_index(&r->notebook, number) : -1;
    return at < 0 ? NULL : &r->notebook.notebook->cells[at];
}

/* The number that the cell has now: its source may stand elsewhere. 0: it is none of the notebook's, or was changed. */
static int number_of(const struct repl *r, const struct journal_cell *c) {
    const uint32_t source = trail_hash(c->source, c->size);
    const int was = c->name[0] == '[' ? atoi(c->name + 1) : 0; /* an input, too, that %write made a cell of */
    const struct cell *cell = cell_of(r, was);
    if (was == 0 || (cell && trail_hash(cell->source, cell->size) == source)) return was;
    for (int n = 1; (cell = cell_of(r, n)); n++)
        if (trail_hash(cell->source, cell->size) == source) return n;
    return 0;
}

static void show_begin(void *arg, const struct journal_cell *c) {
    struct repl *r = ((struct replay *)arg)->repl;
    const struct cell *cell = cell_of(r, number_of(r, c));
    const char *bold = r->console.sink.colour ? "\033[1m" : "", *off = *bold ? "\033[0m" : "";
    if (c->number > 0)
        repl_print(r, "%s%s %s%s\n", bold, c->name, cell ? cell->title : "", off);
    else
        repl_print(r, "%s%s:%s %.*s\n", bold, c->name, off, (int)c->size, c->source);
    if (c->number > 0) return;
    session_add_input(r->session, c->source, c->size);
    r->count++;
}

/* Its run was later than the checkpoint. `n`: the number that it has now. */
static void count_lost(struct replay *p, const struct journal_cell *c, int n) {
    if (n == 0) {
        p->inputs_lost += c->number == 0 && c->size > 0 && c->source[0] != '%';
        return;
    }
    if (p->first_lost == 0 || n < p->first_lost) p->first_lost = n;
    if (n > p->last_lost) p->last_lost = n;
}

static void note_progress(struct replay *p, int n, const struct session_result *result) {
    const bool done = result && result->status == OK;
    p->repl->notebook.state[n - 1].progress = done ? MAGIC_DONE : result ? MAGIC_FAILED : MAGIC_NOT_RUN;
    if (n > p->next || !result) p->next = n;
    if (done && p->next == n) p->next++;
}

static void show_end(void *arg, const struct journal_cell *c, const struct session_result *result) {
    struct replay *p = arg;
    struct repl *r = p->repl;
    const int n = number_of(r, c);
    if (result)
        repl_show_end(r, result, c->name);
    else
        repl_print(r, "(%s was interrupted here)\n", c->name);
    if (result && c->run > p->known) count_lost(p, c, n);
    if (n > 0) note_progress(p, n, result);
    if (n > 0) r->notebook.state[n - 1].lost = c->run > p->known;
    if (n == 0 && c->number > 0)
        p->changed = c->number;
    else if (p->changed == c->number)
        p->changed = 0;
}

static void show_line(struct repl *r, const char *text) {
    bool colour = r->console.sink.colour;
    repl_print(r, "%s--- %s ---%s\n", colour ? "\033[2m" : "", text, colour ? "\033[0m" : "");
}

/* Variables as the newest whole checkpoint has them. */
static void load_checkpoint(struct replay *p, const struct journal_info *info) {
    struct session *s = p->repl->session;
    struct err e = {0};
    if (!*info->checkpoints || access(info->checkpoints, F_OK)) return;
    if (session_checkpoint_load(s, info->checkpoints, &p->loaded, &e)) {
        buf_free(&p->loaded);
        repl_tell(p->repl, "(the checkpoint cannot be loaded: %s)\n", e.text);
    }
    p->known = p->loaded.len ? session_runs(s) : 0;
    session_set_runs(s, info->runs);
}

/* What is not as it was. */
static void show_missing(struct repl *r, const struct replay *p, const struct journal_info *info) {
    struct buf text = {0};
    show_line(r, "end of the journal; nothing ran again");
    buf_put(&text, buf_text(&p->loaded), p->loaded.len);
    if (p->first_lost) {
        buf_printf(&text, "%s: %%run %d",
                   p->loaded.len ? "What later cells made is not in it"
                                 : "There is no checkpoint, so variables are not restored",
                   p->first_lost);
        if (p->last_lost > p->first_lost) buf_printf(&text, "-%d", p->last_lost);
        buf_printf(&text, " makes %s again.\n", p->loaded.len ? "it" : "them");
    }
    if (p->inputs_lost)
        buf_printf(&text, "What %d typed input%s made is not restored.\n", p->inputs_lost,
                   p->inputs_lost == 1 ? "" : "s");
    if (p->changed) buf_printf(&text, "[%d] was changed since it ran: it counts as not run.\n", p->changed);
    if (info->torn)
        buf_printf(&text, "The last %zu bytes of the journal were cut short, and are dropped.\n", info->torn);
    repl_tell(r, "%s", buf_text(&text));
    buf_free(&text);
}

enum status repl_resume(struct repl *r, const struct journal_info *info, struct err *e) {
    struct replay p = {.repl = r, .next = 1};
    struct journal_player player = {&r->console.sink, show_begin, show_end, &p};
    struct buf line = {0};
    load_checkpoint(&p, info);
    buf_puts(&line, "from the journal, ");
    units_ago((double)info->last, &line);
    show_line(r, buf_text(&line));
    buf_free(&line);
    if (journal_play(info->path, &player, e) == OK) show_missing(r, &p, info);
    if (r->notebook.notebook) r->notebook.next = p.next;
    buf_free(&p.loaded);
    return e->status;
}

/* ---- asking --------------------------------------------------------------------------------------------------------- */

/* A line from the terminal: 'y', 'n', or 0 where there was none (Ctrl-C, Ctrl-D). */
static char read_answer(void) {
    char line[64];
    if (!fgets(line, sizeof line, stdin)) return 0;
    return line[strspn(line, " \t")] == 'n' || line[strspn(line, " \t")] == 'N' ? 'n' : 'y';
}

static char ask(const struct journal_info *info) {
    struct buf ago = {0};
    char room[64];
    units_ago((double)info->last, &ago);
    printf("The last session with this notebook %s.\nResume from cell %d (%s)? [Y/n] ", end_of(info, room, sizeof room),
           info->next, buf_text(&ago));
    fflush(stdout);
    buf_free(&ago);
    return read_answer();
}

bool repl_wants_attach(const char *path) {
    if (!front_runs_detached(path)) return false;
    if (!isatty(STDIN_FILENO)) {
        fprintf(stderr, "celda: a session with %s runs detached; to see it: celda attach %s\n", path, path);
        return false;
    }
    printf("A session with this notebook runs detached.\nAttach to it (no: begin another one)? [Y/n] ");
    fflush(stdout);
    return read_answer() == 'y';
}

bool repl_wants_resume(const char *path, struct journal_info *info) {
    char notebook[PATH_MAX];
    struct err e = {0};
    if (!realpath(path, notebook) || !journal_find_last(notebook, info) || info->clean || info->runs == 0) return false;
    if (!isatty(STDIN_FILENO)) {
        fprintf(stderr, "celda: the last session with %s was cut off; to go on with it: celda resume %s\n", path, path);
        return false;
    }
    char answer = ask(info);
    if (answer == 'n') journal_give_up(info->path, &e);
    return answer == 'y';
}

/* ---- celda resume --------------------------------------------------------------------------------------------------- */

static void list_one(void *arg, const struct journal_info *info) {
    struct buf ago = {0};
    char room[64];
    ++*(int *)arg;
    units_ago((double)info->last, &ago);
    printf("%-16s %s: %s", buf_text(&ago), *info->notebook ? info->notebook : "(no notebook)",
           end_of(info, room, sizeof room));
    if (!info->clean && !info->running && *info->notebook) printf(", next is cell %d", info->next);
    putchar('\n');
    buf_free(&ago);
}

static int list_all(void) {
    struct err e = {0};
    int count = 0;
    if (journal_each(list_one, &count, &e)) return front_fail(e.text);
    if (count == 0) puts("no session has been written down yet");
    return 0;
}

static int usage(const char *what, const char *word) {
    fprintf(stderr, "celda resume: %s '%s'\nusage: celda resume [NOTEBOOK.cells | --list]\n", what, word);
    return 2;
}

int front_resume(int argc, char **argv) {
    struct journal_info info;
    char notebook[PATH_MAX];
    const char *path = argc > 0 ? argv[0] : NULL;
    if (argc > 1) return usage("one notebook at a time; what is", argv[1]);
    if (path && strcmp(path, "--list") == 0) return list_all();
    if (path && *path == '-') return usage("unknown option", path);
    if (path && !realpath(path, notebook)) {
        fprintf(stderr, "celda: cannot open '%s': %s\n", path, strerror(errno));
        return 1;
    }
    if (!journal_find_last(path ? notebook : NULL, &info))
        return front_fail("there is no session to resume; celda resume --list shows those that run");
    return repl_main(path ? path : *info.notebook ? info.notebook : NULL, &info, false);
}
