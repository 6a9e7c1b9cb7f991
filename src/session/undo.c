/* Taking cells back. Invariant: `done` holds a snapshot from before each of the last cells, oldest first, `undone` one from
 * after each cell that was taken back; the newest of them all records what is overwritten, so that going through them one
 * by one meets the state that each was ended in. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "session/internal.h"
#include "session/snapshot.h"

enum { CELLS = 16 };

struct step {
    struct snapshot *snapshot;
    char cell[32];
};

struct undo {
    struct session *session;
    size_t budget;
    int ndone, nundone;
    bool fresh; /* the last of `done` is from after the last going back or forth */
    struct step done[CELLS], undone[CELLS];
};

static void drop(struct step *steps, int *n, int from, int count) {
    for (int i = from; i < from + count; i++) snapshot_free(steps[i].snapshot);
    *n -= count;
    memmove(steps + from, steps + from + count, sizeof *steps * (size_t)(*n - from));
}

static void drop_all(struct undo *u) {
    drop(u->done, &u->ndone, 0, u->ndone);
    drop(u->undone, &u->nundone, 0, u->nundone);
}

enum status session_keep_undo(struct session *s, size_t budget, struct err *e) {
    session_forget_undo(s);
    if (budget == 0) return OK;
    s->undo = mem_zalloc(sizeof *s->undo, e);
    if (!s->undo || trail_open(&s->trail, e)) {
        mem_free(s->undo);
        s->undo = NULL;
        return e->status;
    }
    s->undo->session = s;
    s->undo->budget = budget;
    return OK;
}

size_t session_undo_budget(const struct session *s) {
    return s->undo ? s->undo->budget : 0;
}

void session_drop_undo(struct session *s) {
    if (s->undo) drop_all(s->undo);
}

void session_forget_undo(struct session *s) {
    if (!s->undo) return;
    trail_close(s->trail);
    s->trail = NULL;
    drop_all(s->undo);
    mem_free(s->undo);
    s->undo = NULL;
}

/* The oldest go until the rest hold no more than the budget. */
static void trim(struct undo *u) {
    size_t bytes = 0;
    for (int i = u->ndone - 2; i >= 0; i--) {
        bytes += snapshot_bytes(u->done[i].snapshot, u->done[i + 1].snapshot);
        if (bytes <= u->budget) continue;
        drop(u->done, &u->ndone, 0, i + 1);
        return;
    }
}

static void push(struct step *steps, int *n, struct snapshot *snapshot, const char *cell) {
    if (*n == CELLS) drop(steps, n, 0, 1);
    struct step *step = &steps[(*n)++];
    step->snapshot = snapshot;
    snprintf(step->cell, sizeof step->cell, "%s", cell);
}

/* A cell that changed nothing, since it only showed something, needs no taking back; one that did ends what was undone. */
static void drop_idle(struct undo *u, const struct snapshot *present) {
    if (!u->fresh || u->ndone == 0) return;
    u->fresh = false;
    if (snapshot_same(u->done[u->ndone - 1].snapshot, present))
        drop(u->done, &u->ndone, u->ndone - 1, 1);
    else
        drop(u->undone, &u->nundone, 0, u->nundone);
}

/* Without memory for it a cell runs all the same, and nothing before it can be taken back. */
void session_undo_point(struct session *s, const char *cell) {
    struct undo *u = s->undo;
    struct snapshot *snapshot;
    struct err e = {0};
    if (!u || s->lua_calls > 0) return;
    if (snapshot_new(s, u->budget, &snapshot, &e)) {
        drop_all(u);
        return;
    }
    drop_idle(u, snapshot);
    push(u->done, &u->ndone, snapshot, cell);
    u->fresh = true;
    trim(u);
}

void session_undo_skip(struct session *s) {
    trail_begin(s->trail);
    s->undo_point = true;
}

void session_undo_keep(struct session *s, struct snapshot *before) {
    struct undo *u = s->undo;
    if (!u) {
        snapshot_free(before);
        return;
    }
    drop(u->undone, &u->nundone, 0, u->nundone);
    push(u->done, &u->ndone, before, s->chunk + 1);
    u->fresh = true;
}

const struct snapshot *session_snapshot_before(const struct session *s, int back, const char **cell) {
    const struct undo *u = s->undo;
    if (!u || !u->fresh || back >= u->ndone) return NULL;
    const struct step *step = &u->done[u->ndone - 1 - back];
    *cell = step->cell;
    return step->snapshot;
}

/* Goes back to the last of `from`; `present`, where it came from, is pushed to `to`. */
static enum status exchange(struct undo *u, struct snapshot *present, struct step *from, int *nfrom, struct step *to,
                            int *nto, char cell[32], struct err *e) {
    struct step step = from[--*nfrom]; /* ours now: drop_all, when memory is short, does not free it */
    snapshot_restore(step.snapshot, e);
    snapshot_free(step.snapshot);
    if (e->status) {
        snapshot_free(present);
        drop_all(u);
        return e->status;
    }
    memcpy(cell, step.cell, sizeof step.cell);
    push(to, nto, present, cell);
    trail_mark(u->session->trail, cell, to == u->undone);
    return OK;
}

static enum status move(struct session *s, bool back, char cell[32], struct err *e) {
    struct undo *u = s->undo;
    struct snapshot *present;
    if (!u) return err_set(e, ERR_STATE, "cells cannot be taken back here: undoing is off");
    if (s->lua_calls > 0) return err_set(e, ERR_STATE, "a cell cannot be taken back from within Lua code");
    if (snapshot_new(s, u->budget, &present, e)) return e->status;
    drop_idle(u, present);
    if (back && u->ndone > 0) return exchange(u, present, u->done, &u->ndone, u->undone, &u->nundone, cell, e);
    if (!back && u->nundone > 0) return exchange(u, present, u->undone, &u->nundone, u->done, &u->ndone, cell, e);
    snapshot_free(present);
    return err_set(e, ERR_STATE, back ? "there is no cell to take back" : "no cell was taken back");
}

enum status session_undo(struct session *s, char cell[32], struct err *e) {
    return move(s, true, cell, e);
}

enum status session_redo(struct session *s, char cell[32], struct err *e) {
    return move(s, false, cell, e);
}

void session_undo_each_name(struct session *s, session_name_fn *fn, void *arg) {
    struct undo *u = s->undo;
    for (int i = 0; u && i < u->ndone; i++) fn(arg, u->done[i].cell);
    for (int i = 0; u && i < u->nundone; i++) fn(arg, u->undone[i].cell);
}

const char *session_undo_left_out(const struct session *s) {
    return s->undo && s->undo->ndone ? snapshot_left_out(s->undo->done[s->undo->ndone - 1].snapshot) : "";
}
