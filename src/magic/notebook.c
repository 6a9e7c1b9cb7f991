/* The notebook that is open: the numbers and states of its code cells, and how they follow from one text of it to the
 * next. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "magic/change.h"

int magic_cell_index(const struct magic_notebook *nb, int n) {
    for (size_t i = 0; i < nb->notebook->count; i++)
        if (nb->notebook->cells[i].kind == CELL_CODE && --n == 0) return (int)i;
    return -1;
}

enum status magic_parse_cell(const struct magic_notebook *nb, const char *text, int *n, struct err *e) {
    char *end;
    long v = strtol(text, &end, 10);
    if (end == text || *end || v < 1 || v > nb->count)
        return err_set(e, ERR_VALUE, "'%s' is no cell of this notebook: they are numbered 1 to %d", text, nb->count);
    *n = (int)v;
    return OK;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static int count_code(const struct notebook *nb) {
    int n = 0;
    for (size_t i = 0; i < nb->count; i++) n += nb->cells[i].kind == CELL_CODE;
    return n;
}

enum status magic_notebook_open(struct magic_notebook *nb, const char *path, struct err *e) {
    struct notebook *text;
    if (notebook_read(path, &text, e)) return e->status;
    nb->notebook = text;
    nb->count = count_code(text);
    nb->next = 1;
    nb->state = mem_zalloc(sizeof *nb->state * (size_t)(nb->count + 1), e);
    if (!nb->state || change_open(nb, path, e)) magic_notebook_close(nb);
    return e->status;
}

void magic_notebook_close(struct magic_notebook *nb) {
    notebook_free(nb->notebook);
    mem_free(nb->state);
    change_close(nb);
    nb->notebook = NULL;
    nb->state = NULL;
    nb->count = nb->next = 0;
}

/* ---- from one text to the next ------------------------------------------------------------------------------------- */

struct passage {
    const struct magic_notebook *old;
    const struct notebook *new;
    int count;                      /* code cells of `new` */
    int *from;                      /* by cell of `new`; -1: it is new */
    int *number;                    /* by cell of `old`; 0: no code */
    int *to;                        /* by code cell of `old`, n at n - 1; 0: it is gone */
    bool *fresh;                    /* by code cell of `new` */
    struct magic_cell_state *state; /* likewise */
};

static enum status passage_open(struct passage *p, const struct magic_notebook *old, const struct notebook *new,
                                struct err *e) {
    *p = (struct passage){.old = old, .new = new, .count = count_code(new)};
    p->from = mem_alloc(sizeof *p->from * (new->count + 1), e);
    p->number = mem_zalloc(sizeof *p->number * (old->notebook->count + 1), e);
    p->to = mem_zalloc(sizeof *p->to * (size_t)(old->count + 1), e);
    p->fresh = mem_zalloc(sizeof *p->fresh * (size_t)(p->count + 1), e);
    p->state = mem_zalloc(sizeof *p->state * (size_t)(p->count + 1), e);
    return e->status ? e->status : notebook_match(old->notebook, new, p->from, e);
}

static void passage_close(struct passage *p) {
    mem_free(p->from);
    mem_free(p->number);
    mem_free(p->to);
    mem_free(p->fresh);
    mem_free(p->state);
}

static void follow_cells(struct passage *p, const struct magic_cell_state *known) {
    const struct notebook *old = p->old->notebook;
    for (size_t i = 0, n = 0; i < old->count; i++)
        if (old->cells[i].kind == CELL_CODE) p->number[i] = (int)++n;
    for (size_t i = 0, n = 0; i < p->new->count; i++) {
        if (p->new->cells[i].kind != CELL_CODE) continue;
        const int was = p->from[i] < 0 ? 0 : p->number[p->from[i]];
        p->fresh[n] = was == 0;
        if (was > 0) p->to[was - 1] = (int)n + 1;
        p->state[n] = was > 0 ? p->old->state[was - 1] : known ? known[n] : (struct magic_cell_state){0};
        n++;
    }
}

/* The cell that was next, or the first after it that is still there; but cells that are new right above it come first. */
static int follow_next(const struct passage *p) {
    int next = p->count + 1;
    for (int n = p->old->next; n <= p->old->count; n++) {
        if (p->to[n - 1] == 0) continue;
        next = p->to[n - 1];
        break;
    }
    while (next > 1 && p->fresh[next - 2]) next--;
    return next;
}

enum status magic_notebook_adopt(struct session *s, struct magic_notebook *nb, struct notebook *new,
                                 const struct magic_cell_state *state, struct err *e) {
    struct passage p;
    if (passage_open(&p, nb, new, e) == OK && !new->path) new->path = mem_strdup(nb->notebook->path, e);
    if (e->status) {
        passage_close(&p);
        notebook_free(new);
        return e->status;
    }
    follow_cells(&p, state);
    nb->next = follow_next(&p);
    session_rename_cells(s, p.to, nb->count);
    for (int n = 1; state && n <= p.count; n++)
        if (p.fresh[n - 1]) session_restore_cell(s, n);
    notebook_free(nb->notebook);
    mem_free(nb->state);
    nb->notebook = new;
    nb->count = p.count;
    nb->state = p.state;
    p.state = NULL;
    passage_close(&p);
    return OK;
}

/* ---- what was typed ------------------------------------------------------------------------------------------------ */

/* An input that ran has left its cost. */
static void note_progress(void *arg, const struct session_cost *c) {
    struct magic_notebook *nb = arg;
    const int n = *c->name == '[' ? atoi(c->name + 1) : 0;
    if (n >= 1 && n <= nb->count) nb->state[n - 1].progress = c->status ? MAGIC_FAILED : MAGIC_DONE;
}

static enum status take_inputs(const struct session *s, struct magic_notebook *nb, struct err *e) {
    const int count = session_input_count(s) - 1;
    if (notebook_new(&nb->notebook, e)) return e->status;
    for (int n = 1; n <= count && e->status == OK; n++) {
        const char *source = session_input_at(s, n);
        notebook_insert(nb->notebook, nb->notebook->count, CELL_CODE, source, strlen(source), e);
    }
    nb->count = (int)nb->notebook->count;
    nb->next = nb->count + 1;
    nb->state = mem_zalloc(sizeof *nb->state * (size_t)nb->next, e);
    if (nb->state) session_each_cost(s, note_progress, nb);
    return e->status;
}

enum status magic_notebook_open_inputs(struct session *s, struct magic_notebook *nb, const char *path, struct err *e) {
    struct notebook *text = NULL;
    if (take_inputs(s, nb, e) == OK && change_read_again(nb->notebook, &text, e) == OK &&
        notebook_save(nb->notebook, path, e) == OK && change_open(nb, path, e) == OK) {
        magic_notebook_adopt(s, nb, text, NULL, e);
        text = NULL;
    }
    notebook_free(text);
    if (e->status) magic_notebook_close(nb);
    return e->status;
}
