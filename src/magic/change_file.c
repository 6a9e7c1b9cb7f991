/* The notebook and its file. Invariant: what another program wrote to the file is replaced only when the user said so, and
 * then it can be brought back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/wrap.h"
#include "magic/change.h"

const char *change_name(const struct magic_notebook *nb) {
    const char *slash = strrchr(nb->notebook->path, '/');
    return slash ? slash + 1 : nb->notebook->path;
}

/* ---- what was seen of the file ------------------------------------------------------------------------------------- */

/* The file holds the notebook, whose text this is; it is taken over. */
static void note_saved(struct magic_notebook *nb, struct buf *text) {
    struct magic_changes *changes = nb->changes;
    buf_free(&changes->saved);
    changes->saved = *text;
    if (stat(nb->notebook->path, &changes->seen)) changes->seen = (struct stat){0};
    nb->notebook->changed = false;
}

/* The file there holds the notebook. The path becomes an absolute one, since the session may go to another folder. */
static enum status set_path(struct magic_notebook *nb, const char *path, struct err *e) {
    char full[PATH_MAX];
    struct buf text = {0};
    if (!realpath(path, full)) return err_set(e, ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    char *copy = mem_strdup(full, e);
    if (!copy || notebook_write(nb->notebook, &text, e)) {
        mem_free(copy);
        return e->status;
    }
    mem_free(nb->notebook->path);
    nb->notebook->path = copy;
    note_saved(nb, &text);
    return OK;
}

enum status change_open(struct magic_notebook *nb, const char *path, struct err *e) {
    nb->changes = mem_zalloc(sizeof *nb->changes, e);
    return nb->changes ? set_path(nb, path, e) : e->status;
}

static bool looks_as_seen(const struct magic_notebook *nb, const struct stat *now) {
    const struct stat *seen = &nb->changes->seen;
    return now->st_ino == seen->st_ino && now->st_size == seen->st_size &&
           now->st_mtim.tv_sec == seen->st_mtim.tv_sec && now->st_mtim.tv_nsec == seen->st_mtim.tv_nsec;
}

static bool is_text(const struct buf *b, const char *text, size_t n) {
    return b->len == n && memcmp(buf_text(b), text, n) == 0;
}

/* What the file holds, if that is neither what it held when it was seen last nor the notebook as it is; else *theirs is
 * NULL, as it is for a file that is gone, or empty: whoever writes it is about to. */
static enum status read_theirs(struct magic_notebook *nb, struct notebook **theirs, struct err *e) {
    const struct buf *saved = &nb->changes->saved;
    struct buf text = {0};
    struct stat now;
    *theirs = NULL;
    if (stat(nb->notebook->path, &now) || now.st_size == 0) return OK;
    if (buf_read_file(&text, nb->notebook->path, e) == OK && !is_text(&text, buf_text(saved), saved->len) &&
        !is_text(&text, nb->notebook->text, nb->notebook->text_size))
        notebook_parse(buf_text(&text), text.len, theirs, e);
    buf_free(&text);
    if (e->status == OK) nb->changes->seen = now;
    return e->status;
}

/* ---- conflicts ----------------------------------------------------------------------------------------------------- */

static enum status take_theirs(struct session *s, struct magic_notebook *nb, struct notebook *theirs, struct err *e) {
    struct buf text = {0};
    if (notebook_write(theirs, &text, e) || change_keep(nb, nb->notebook, nb->state, e))
        notebook_free(theirs);
    else if (magic_notebook_adopt(s, nb, theirs, NULL, e) == OK)
        note_saved(nb, &text);
    if (e->status) buf_free(&text);
    return e->status;
}

static enum status not_saved(struct magic_notebook *nb, const struct err *why, struct err *e) {
    struct err lost = {0};
    nb->notebook->changed = true;
    if (change_rescue(nb, &lost))
        return err_set(e, why->status,
                       "%s\nNot saved, and kept in this session alone (%s): %%write tries again, %%write "
                       "NAME.cells saves elsewhere.",
                       why->text, lost.text);
    return err_set(e, why->status,
                   "%s\nNot saved, but kept in %s: %%write tries again, %%write NAME.cells saves elsewhere.", why->text,
                   nb->changes->rescued);
}

/* A file whose folder could not be synced is there all the same. */
static bool is_written(const char *path, const struct buf *text) {
    struct buf there = {0};
    struct err e = {0};
    const bool same = buf_read_file(&there, path, &e) == OK && is_text(&there, buf_text(text), text->len);
    buf_free(&there);
    return same;
}

static enum status write_mine(struct magic_notebook *nb, struct err *e) {
    struct err why = {0};
    struct buf text = {0};
    const char *path = nb->notebook->path;
    if (notebook_write(nb->notebook, &text, &why) == OK) file_replace(path, buf_text(&text), text.len, &why);
    if (why.status && !is_written(path, &text)) {
        buf_free(&text);
        return not_saved(nb, &why, e);
    }
    change_drop_rescued(nb);
    note_saved(nb, &text);
    return why.status ? err_set(e, why.status, "%s", why.text) : OK;
}

enum status change_save_as(struct magic_notebook *nb, const char *path, struct err *e) {
    struct notebook *mine = nb->notebook;
    if (file_replace(path, mine->text, mine->text_size, e)) return e->status;
    change_drop_rescued(nb);
    return set_path(nb, path, e);
}

static enum status write_elsewhere(struct magic_notebook *nb, struct err *e) {
    const struct notebook *mine = nb->notebook;
    struct buf path = {0};
    char name[PATH_MAX] = "";
    if (!nb->ask(nb, "Name of the file for yours: ", name, sizeof name))
        return err_set(e, ERR_VALUE, "no name was given");
    if (change_put_name(name, &path, e) == OK && access(path.data, F_OK) == 0)
        err_set(e, ERR_VALUE, "'%s' exists", path.data);
    if (e->status == OK) file_replace(path.data, mine->text, mine->text_size, e);
    buf_free(&path);
    return e->status;
}

/* Neither was chosen. */
static enum status put_off(struct magic_notebook *nb, const struct err *because, struct err *e) {
    struct err why = {0};
    err_set(&why, ERR_STATE, "%s was changed by another program as well%s%s; nothing is overwritten.", change_name(nb),
            because->status ? ", and " : "", because->text);
    return not_saved(nb, &why, e);
}

/* The file is not as it was read last, and the notebook is not saved. */
struct conflict {
    struct notebook *base, *theirs;
    struct notebook *both; /* NULL: they do not go together */
};

static void conflict_close(struct conflict *c) {
    notebook_free(c->base);
    notebook_free(c->theirs);
    notebook_free(c->both);
}

static enum status conflict_open(struct conflict *c, const struct magic_notebook *nb, struct notebook *theirs,
                                 struct err *e) {
    const struct buf *saved = &nb->changes->saved;
    struct err apart = {0};
    *c = (struct conflict){.theirs = theirs};
    if (notebook_parse(buf_text(saved), saved->len, &c->base, e) == OK)
        notebook_merge(c->base, nb->notebook, theirs, &c->both, &apart);
    return e->status;
}

/* A letter of the question's; 0: no answer. */
static char ask_whose(struct magic_notebook *nb, const struct conflict *c) {
    struct buf question = {0};
    struct err e = {0};
    const char *letters = c->both ? "tmbf" : "tmf";
    char answer[16] = "";
    buf_printf(&question, "%s was changed by another program (", change_name(nb));
    change_put_differences(c->base, c->theirs, &question, &e);
    buf_puts(&question, ") and here (");
    change_put_differences(c->base, nb->notebook, &question, &e);
    buf_printf(&question, ").\nTake [t]heirs, keep [m]ine, %sor write mine to another [f]ile? ",
               c->both ? "take [b]oth, " : "");
    bool answered = nb->ask != NULL;
    while (answered && (!*answer || !strchr(letters, *answer)))
        answered = nb->ask(nb, buf_text(&question), answer, sizeof answer);
    buf_free(&question);
    return answered ? *answer : 0;
}

/* Theirs was seen, and can be brought back: it may be written over, if it is still that. */
static enum status give_up_theirs(struct magic_notebook *nb, const struct notebook *theirs, struct err *e) {
    struct buf text = {0};
    if (notebook_write(theirs, &text, e) || change_keep(nb, theirs, NULL, e)) {
        buf_free(&text);
        return e->status;
    }
    buf_free(&nb->changes->saved);
    nb->changes->saved = text;
    return OK;
}

static void say_dropped(struct session *s) {
    static const char text[] = "the notebook is as on the disk; %undo edit brings yours back\n";
    wrap_to(session_sink(s), SINK_OUT, text, sizeof text - 1);
}

/* As the user says; `theirs` is taken over. */
static enum status settle(struct session *s, struct magic_notebook *nb, struct notebook *theirs, struct err *e) {
    struct conflict c;
    struct err why = {0};
    if (conflict_open(&c, nb, theirs, e)) {
        conflict_close(&c);
        return e->status;
    }
    struct notebook *new = NULL;
    const char answer = ask_whose(nb, &c);
    if (answer == 't' || (answer == 'f' && write_elsewhere(nb, &why) == OK)) {
        c.theirs = NULL;
        nb->changes->dropped = true;
        if (take_theirs(s, nb, theirs, e) == OK) say_dropped(s);
    } else if (answer == 'm' || answer == 'b') {
        if (answer == 'b') new = c.both, c.both = NULL;
        if (give_up_theirs(nb, theirs, e) == OK && (!new || magic_notebook_adopt(s, nb, new, NULL, e) == OK))
            change_save(s, nb, e);
    } else {
        put_off(nb, &why, e);
    }
    conflict_close(&c);
    return e->status;
}

/* ---- saving and looking -------------------------------------------------------------------------------------------- */

enum status change_save(struct session *s, struct magic_notebook *nb, struct err *e) {
    struct notebook *theirs;
    nb->changes->dropped = false;
    if (read_theirs(nb, &theirs, e)) return e->status;
    return theirs ? settle(s, nb, theirs, e) : write_mine(nb, e);
}

enum status change_refresh(struct session *s, struct magic_notebook *nb, struct err *e) {
    struct notebook *theirs;
    struct stat now;
    struct buf line = {0};
    if (!nb->notebook || stat(nb->notebook->path, &now) || looks_as_seen(nb, &now)) return OK;
    if (read_theirs(nb, &theirs, e) || !theirs) return e->status;
    if (nb->notebook->changed) return settle(s, nb, theirs, e);
    buf_printf(&line, "%s changed on disk: ", change_name(nb));
    change_put_differences(nb->notebook, theirs, &line, e);
    buf_putc(&line, '\n');
    if (take_theirs(s, nb, theirs, e) == OK) wrap_to(session_sink(s), SINK_OUT, buf_text(&line), line.len);
    buf_free(&line);
    return e->status;
}
