/* `celda run`: a notebook without a person. Invariant: it stops at the first cell that fails, names it, and exits 1. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cell/notebook.h"
#include "front/front.h"
#include "front/run/events.h"
#include "front/run/ledger.h"
#include "front/run/select.h"
#include "magic/magic.h"
#include "session/checkpoint.h"
#include "session/journal.h"

struct options {
    const char *path;
    struct run_selection selection;
    const char *ledger, *against, *fail_over;
    bool json;
};

struct headless {
    struct options options;
    struct notebook *notebook;
    struct session *session;
    struct journal *journal;
    struct run_events events;
    struct run_ledger ledger;
    char ledger_path[PATH_MAX]; /* "": none */
};

static int usage(const char *what, const char *word) {
    fprintf(stderr, "celda run: %s%s%s%s\n", what, word ? " '" : "", word ? word : "", word ? "'" : "");
    fprintf(stderr, "usage: celda run NOTEBOOK.cells [--cells 1,3-5] [--tags A,B] [--skip-tags A,B] [--json]\n"
                    "       [--ledger NEW.json] [--against OLD.json --fail-over time=1.2,ram=1.1]\n");
    return 2;
}

/* Takes "--name VALUE" or "--name=VALUE" at argv[*i]. */
static bool take_value(int argc, char **argv, int *i, const char *name, const char **value) {
    size_t n = strlen(name);
    if (strncmp(argv[*i], name, n) != 0) return false;
    if (argv[*i][n] == '=') {
        *value = argv[*i] + n + 1;
        return true;
    }
    if (argv[*i][n] || *i + 1 == argc) return false;
    *value = argv[++*i];
    return true;
}

static int parse_options(int argc, char **argv, struct options *o) {
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            o->json = true;
        else if (take_value(argc, argv, &i, "--cells", &o->selection.cells) ||
                 take_value(argc, argv, &i, "--tags", &o->selection.tags) ||
                 take_value(argc, argv, &i, "--skip-tags", &o->selection.skip_tags) ||
                 take_value(argc, argv, &i, "--ledger", &o->ledger) ||
                 take_value(argc, argv, &i, "--against", &o->against) ||
                 take_value(argc, argv, &i, "--fail-over", &o->fail_over))
            continue;
        else if (argv[i][0] == '-' && argv[i][1])
            return usage("unknown option, or one without its value:", argv[i]);
        else if (o->path)
            return usage("one notebook at a time; what is", argv[i]);
        else
            o->path = argv[i];
    }
    return o->path ? 0 : usage("which notebook?", NULL);
}

/* One code cell; what it printed has gone out already. */
static enum status run_cell(struct headless *h, const struct cell *c, int number) {
    char name[32];
    struct session_result r;
    snprintf(name, sizeof name, "[%d]", number);
    run_events_begin(&h->events, number, c);
    journal_begin(h->journal, name, number, c->source, c->size);
    session_run_cell(h->session, c, name, &r);
    journal_end(h->journal, &r);
    run_events_end(&h->events, number, c, &r);
    run_ledger_add(&h->ledger, number, c, &r);
    enum status status = r.status;
    buf_free(&r.error);
    return status;
}

static int run_cells(struct headless *h) {
    const struct notebook *nb = h->notebook;
    const struct run_selection *chosen = &h->options.selection;
    struct err e = {0};
    int number = 0, ran = 0;
    for (size_t i = 0; i < nb->count; i++) {
        bool wanted;
        if (nb->cells[i].kind != CELL_CODE) continue;
        if (run_selects(chosen, &nb->cells[i], ++number, &wanted, &e)) return usage(e.text, NULL);
        if (!wanted) continue;
        ran++;
        if (run_cell(h, &nb->cells[i], number) != OK) return 1;
        if (h->events.console.broken) return 1;
    }
    if (ran == 0 && chosen->cells) return usage("the notebook has no cells", chosen->cells);
    if (ran == 0 && chosen->tags) return usage("the notebook has no cells with the tags", chosen->tags);
    return 0;
}

/* Relative paths in a notebook start in its folder, as in Jupyter. */
static enum status enter_folder(struct session *s, const char *path, struct err *e) {
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    const char *folder = dirname(copy);
    if (chdir(folder)) return err_set(e, ERR_IO, "cannot enter folder '%s'", folder);
    return session_set_folder(s, ".", e);
}

static enum status open_headless(struct headless *h, struct err *e) {
    const char *path = h->options.path;
    char absolute[PATH_MAX];
    int fd;
    if (notebook_read(path, &h->notebook, e)) return e->status;
    for (size_t i = 0; i < h->notebook->warning_count; i++)
        fprintf(stderr, "%s:%d: %s\n", path, h->notebook->warnings[i].line, h->notebook->warnings[i].text);
    run_events_open(&h->events, h->options.json);
    if (journal_open(run_events_sink(&h->events), realpath(path, absolute) ? absolute : "", &h->journal, e) ||
        session_open(journal_sink(h->journal), &h->session, e))
        return e->status;
    const char *checkpoints = journal_checkpoints(h->journal);
    if (*checkpoints && session_checkpoint_start(h->session, checkpoints, e)) return e->status;
    session_set_magic(h->session, magic_run_line, NULL);
    if (enter_folder(h->session, path, e)) return e->status;
    return session_catch_interrupts(h->session, &fd, e);
}

/* The path as it is from any folder, since cells run in the notebook's; it is told before they run that it cannot be
 * written. */
static enum status place_ledger(const char *path, char *out, size_t size, struct err *e) {
    char here[PATH_MAX];
    if (*path != '/' && !getcwd(here, sizeof here)) return err_set(e, ERR_IO, "cannot find this folder's name");
    if (snprintf(out, size, "%s%s%s", *path == '/' ? "" : here, *path == '/' ? "" : "/", path) >= (int)size)
        return err_set(e, ERR_IO, "the path '%s' is too long", path);
    FILE *f = fopen(out, "a");
    if (!f || fclose(f)) return err_set(e, ERR_IO, "cannot write the ledger '%s': %s", path, strerror(errno));
    return OK;
}

static int finish_ledger(struct headless *h, int status) {
    struct err e = {0};
    struct buf over = {0};
    if (*h->ledger_path && status != 2 && run_ledger_write(&h->ledger, h->ledger_path, &e)) return front_fail(e.text);
    if (status == 0 && run_ledger_compare(&h->ledger, &over) > 0) status = 1;
    fputs(buf_text(&over), stderr);
    buf_free(&over);
    return status;
}

int front_run(int argc, char **argv) {
    struct headless h = {0};
    struct err e = {0};
    int status = parse_options(argc, argv, &h.options);
    if (status) return status;
    if (run_ledger_open(&h.ledger, h.options.against, h.options.fail_over, &e))
        status = e.status == ERR_IO ? front_fail(e.text) : usage(e.text, NULL);
    else if ((h.options.ledger && place_ledger(h.options.ledger, h.ledger_path, sizeof h.ledger_path, &e)) ||
             open_headless(&h, &e))
        status = front_fail(e.text);
    else
        status = finish_ledger(&h, run_cells(&h));
    session_close(h.session);
    journal_close(h.journal, true);
    notebook_free(h.notebook);
    run_ledger_close(&h.ledger);
    return status;
}
