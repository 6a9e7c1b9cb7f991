/* `celda run`: a notebook without a person. Invariant: it stops at the first cell that fails, names it, and exits 1. */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cell/notebook.h"
#include "front/front.h"
#include "front/run/events.h"
#include "magic/magic.h"

struct options {
    const char *path, *cells;
    bool json;
};

static int usage(const char *what, const char *word) {
    fprintf(stderr, "celda run: %s%s%s%s\n", what, word ? " '" : "", word ? word : "", word ? "'" : "");
    fprintf(stderr, "usage: celda run NOTEBOOK.cells [--cells 1,3-5] [--json]\n");
    return 2;
}

static int parse_options(int argc, char **argv, struct options *o) {
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            o->json = true;
        else if (strcmp(argv[i], "--cells") == 0 && i + 1 < argc)
            o->cells = argv[++i];
        else if (strncmp(argv[i], "--cells=", 8) == 0)
            o->cells = argv[i] + 8;
        else if (argv[i][0] == '-' && argv[i][1])
            return usage("unknown option", argv[i]);
        else if (o->path)
            return usage("one notebook at a time; what is", argv[i]);
        else
            o->path = argv[i];
    }
    return o->path ? 0 : usage("which notebook?", NULL);
}

/* Whether number n is in a list like "1,3-5,8-"; *bad is set where the list cannot be read. */
static bool selected(const char *list, int n, bool *bad) {
    bool found = !list;
    for (const char *p = list; p && *p;) {
        char *end;
        long first = strtol(p, &end, 10), last = first;
        if (end == p || first < 1) return *bad = true, false;
        if (*end == '-') {
            p = end + 1;
            last = strtol(p, &end, 10);
            if (end == p) last = LONG_MAX;
        }
        if (*end && *end != ',') return *bad = true, false;
        found |= n >= first && n <= last;
        p = *end ? end + 1 : end;
    }
    return found;
}

/* One code cell; what it printed has gone out already. */
static enum status run_cell(struct session *s, const struct cell *c, int number, struct run_events *events) {
    char name[32];
    struct session_result r;
    snprintf(name, sizeof name, "[%d]", number);
    run_events_begin(events, number, c);
    session_run(s, c->source, c->size, name, &r);
    run_events_end(events, number, c, &r);
    enum status status = r.status;
    buf_free(&r.error);
    return status;
}

static int run_cells(struct session *s, const struct notebook *nb, const struct options *o, struct run_events *events) {
    int number = 0, ran = 0;
    bool bad = false;
    for (size_t i = 0; i < nb->count; i++) {
        if (nb->cells[i].kind != CELL_CODE) continue;
        bool wanted = selected(o->cells, ++number, &bad);
        if (bad) return usage("cannot read the list of cells", o->cells);
        if (!wanted) continue;
        ran++;
        if (run_cell(s, &nb->cells[i], number, events) != OK) return 1;
        if (events->console.broken) return 1;
    }
    if (ran == 0 && o->cells) return usage("the notebook has no cells", o->cells);
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

int front_run(int argc, char **argv) {
    struct options o = {0};
    struct run_events events;
    struct notebook *nb;
    struct session *s;
    struct err e = {0};
    int fd, status = parse_options(argc, argv, &o);
    if (status) return status;
    if (notebook_read(o.path, &nb, &e)) return front_fail(e.text);
    run_events_open(&events, o.json);
    for (size_t i = 0; i < nb->warning_count; i++)
        fprintf(stderr, "%s:%d: %s\n", o.path, nb->warnings[i].line, nb->warnings[i].text);
    if (session_open(run_events_sink(&events), &s, &e)) {
        notebook_free(nb);
        return front_fail(e.text);
    }
    session_set_magic(s, magic_run_line, NULL);
    if (enter_folder(s, o.path, &e) || session_catch_interrupts(s, &fd, &e))
        status = front_fail(e.text);
    else
        status = run_cells(s, nb, &o, &events);
    session_close(s);
    notebook_free(nb);
    return status;
}
