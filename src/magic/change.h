/* Changing the notebook that is open. A change is on the disk when its magic ends, as an editor that saves by itself does
 * it, since a session can be killed at any time; where it cannot be written, or another program changed the file meanwhile,
 * the user is told or asked, and nothing of theirs is overwritten. Each change can be taken back. */
#ifndef MAGIC_CHANGE_H
#define MAGIC_CHANGE_H

#include <limits.h>
#include <sys/stat.h>

#include "magic/magic.h"

/* A text of the notebook that can be brought back. */
struct change_version {
    char *text;
    size_t size;
    struct magic_cell_state *state; /* of its code cells */
};
struct change_versions {
    struct change_version *version; /* the oldest first */
    size_t count;
};

struct magic_changes {
    struct change_versions undo, redo;
    struct buf saved;       /* the file as it was read or written last */
    struct stat seen;       /* likewise; all zero: there was none */
    bool dropped;           /* the last change, for what another program wrote */
    char rescued[PATH_MAX]; /* a copy of what could not be saved; "": there is none */
};

/* For a notebook that was just read from `path`, which becomes an absolute one. */
enum status change_open(struct magic_notebook *nb, const char *path, struct err *e);
void change_close(struct magic_notebook *nb);

/* A copy of the notebook, to be changed. ERR_STATE: one of its cells is running. */
enum status change_begin(const struct magic_call *c, struct notebook **copy, struct err *e);
/* The copy, which is taken over, becomes the open notebook and is saved. An error of saving leaves it open and unsaved
 * (notebook->changed). */
enum status change_commit(const struct magic_call *c, struct notebook *copy, struct err *e);
/* What came of a change, as magic_print; not where the user took another program's text instead. */
void change_say(const struct magic_call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Takes the last change back, or brings it back. ERR_STATE: there is none. */
enum status change_undo(const struct magic_call *c, bool back, struct err *e);

/* Writes the notebook to its file; a conflict with what another program wrote there is asked about. */
enum status change_save(struct session *s, struct magic_notebook *nb, struct err *e);
/* Writes it to another file, which is the notebook's from then on. */
enum status change_save_as(struct magic_notebook *nb, const char *path, struct err *e);
/* Takes over what another program wrote to the file and says so; a conflict is asked about, once. */
enum status change_refresh(struct session *s, struct magic_notebook *nb, struct err *e);

/* `%undo edit` brings this text back, and `state` for those of its code cells that are gone until then (NULL: not run). */
enum status change_keep(struct magic_notebook *nb, const struct notebook *text, const struct magic_cell_state *state,
                        struct err *e);
/* A copy of what cannot be saved, whose path is in `rescued` then; and it goes, once that is saved. */
enum status change_rescue(struct magic_notebook *nb, struct err *e);
void change_drop_rescued(struct magic_notebook *nb);
/* The copy of a session with this notebook that has ended. False: there is none. */
bool change_find_rescued(const struct magic_notebook *nb, char *path, size_t size);

/* The name of a notebook's file that was typed, with .cells at its end. */
enum status change_put_name(const char *name, struct buf *path, struct err *e);

/* Which cell a magic is to change: "[N] [markdown]". */
struct change_target {
    int n;     /* 1 to count + 1; what stands for it when no number is given is there before */
    bool text; /* the text cell right above it */
};
enum status change_parse_target(const struct magic_call *c, struct change_target *t, struct err *e);
/* Its index among all cells; -1 with ERR_NOT_FOUND: there is none. */
int change_find_target(const struct magic_call *c, const struct change_target *t, struct err *e);

/* The notebook that a notebook's text is read as. */
enum status change_read_again(const struct notebook *nb, struct notebook **out, struct err *e);
/* What `new` has that `old` does not, by its numbers: "cells 3, 5; new cell 7; text; 1 deleted; another order". */
enum status change_put_differences(const struct notebook *old, const struct notebook *new, struct buf *out,
                                   struct err *e);
/* The file's name without its folder. */
const char *change_name(const struct magic_notebook *nb);

#endif
