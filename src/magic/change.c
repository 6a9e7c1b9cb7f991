/* Changes of the notebook and their undoing. Invariant: a change is made to a copy, so that one that fails half-way leaves
 * the notebook as it was. */
#include "magic/change.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MOST = 100 }; /* changes that can be taken back */

/* ---- versions ------------------------------------------------------------------------------------------------------ */

static void free_version(struct change_version *v) {
    mem_free(v->text);
    mem_free(v->state);
}

static void drop_versions(struct change_versions *v) {
    for (size_t i = 0; i < v->count; i++) free_version(&v->version[i]);
    mem_free(v->version);
    *v = (struct change_versions){0};
}

static enum status make_version(struct change_version *v, const struct notebook *text,
                                const struct magic_cell_state *state, struct err *e) {
    *v = (struct change_version){.size = text->text_size};
    v->text = mem_alloc(v->size + 1, e);
    v->state = mem_zalloc(sizeof *v->state * (text->count + 1), e);
    if (e->status) {
        free_version(v);
        return e->status;
    }
    memcpy(v->text, text->text, v->size + 1);
    for (size_t i = 0, n = 0; state && i < text->count; i++)
        if (text->cells[i].kind == CELL_CODE) v->state[n] = state[n], n++;
    return OK;
}

static enum status push(struct change_versions *v, const struct notebook *text, const struct magic_cell_state *state,
                        struct err *e) {
    struct change_version now, *more = mem_realloc(v->version, sizeof *more * (v->count + 1), e);
    if (!more) return e->status;
    v->version = more;
    if (make_version(&now, text, state, e)) return e->status;
    if (v->count == MOST) {
        free_version(&v->version[0]);
        memmove(v->version, v->version + 1, --v->count * sizeof *v->version);
    }
    v->version[v->count++] = now;
    return OK;
}

enum status change_keep(struct magic_notebook *nb, const struct notebook *text, const struct magic_cell_state *state,
                        struct err *e) {
    if (push(&nb->changes->undo, text, state, e)) return e->status;
    drop_versions(&nb->changes->redo);
    return OK;
}

void change_close(struct magic_notebook *nb) {
    if (!nb->changes) return;
    drop_versions(&nb->changes->undo);
    drop_versions(&nb->changes->redo);
    buf_free(&nb->changes->saved);
    mem_free(nb->changes);
    nb->changes = NULL;
}

/* ---- words --------------------------------------------------------------------------------------------------------- */

enum status change_put_name(const char *name, struct buf *path, struct err *e) {
    static const char ending[] = ".cells";
    const size_t n = sizeof ending - 1;
    if (!*name) return err_set(e, ERR_VALUE, "under which name? NAME.cells");
    if (magic_put_path(name, path, e)) return e->status;
    if (path->len < n || strcmp(path->data + path->len - n, ending) != 0) buf_puts(path, ending);
    return buf_status(path, e);
}

enum status change_parse_target(const struct magic_call *c, struct change_target *t, struct err *e) {
    const char *word = c->args;
    char *end;
    t->text = false;
    if (*word >= '0' && *word <= '9') {
        const long n = strtol(word, &end, 10);
        if (n < 1 || n > c->notebook->count + 1 || (*end && *end != ' '))
            return err_set(e, ERR_VALUE, "'%.*s' is no cell of this notebook: they are numbered 1 to %d",
                           (int)strcspn(word, " "), word, c->notebook->count);
        t->n = (int)n;
        word = end + strspn(end, " ");
    }
    t->text = strcmp(word, "markdown") == 0 || strcmp(word, "md") == 0;
    return *word && !t->text ? err_set(e, ERR_VALUE, "what is '%s'? A cell's number, or markdown", word) : OK;
}

int change_find_target(const struct magic_call *c, const struct change_target *t, struct err *e) {
    const struct notebook *nb = c->notebook->notebook;
    const int code = magic_cell_index(c->notebook, t->n), above = (code < 0 ? (int)nb->count : code) - 1;
    if (t->text && above >= 0 && nb->cells[above].kind == CELL_MARKDOWN) return above;
    if (!t->text && code >= 0) return code;
    if (t->text)
        err_set(e, ERR_NOT_FOUND, "there is no text right above [%d]; %%insert %d markdown makes some", t->n, t->n);
    else
        err_set(e, ERR_NOT_FOUND, "there is no cell [%d]; the last one is [%d]", t->n, c->notebook->count);
    return -1;
}

/* ---- changes ------------------------------------------------------------------------------------------------------- */

enum status change_read_again(const struct notebook *nb, struct notebook **out, struct err *e) {
    struct buf text = {0};
    *out = NULL;
    if (notebook_write(nb, &text, e) == OK) notebook_parse(buf_text(&text), text.len, out, e);
    buf_free(&text);
    return e->status;
}

static enum status check_idle(const struct magic_call *c, struct err *e) {
    return c->notebook->running > 0 ? err_set(e, ERR_STATE, "a cell of the notebook cannot change it while it runs")
                                    : OK;
}

enum status change_begin(const struct magic_call *c, struct notebook **copy, struct err *e) {
    *copy = NULL;
    return check_idle(c, e) ? e->status : change_read_again(c->notebook->notebook, copy, e);
}

enum status change_commit(const struct magic_call *c, struct notebook *copy, struct err *e) {
    struct magic_notebook *nb = c->notebook;
    struct notebook *new = NULL;
    change_read_again(copy, &new, e);
    notebook_free(copy);
    if (e->status) return e->status;
    if (change_keep(nb, nb->notebook, nb->state, e)) {
        notebook_free(new);
        return e->status;
    }
    if (magic_notebook_adopt(c->session, nb, new, NULL, e)) return e->status;
    return change_save(c->session, nb, e);
}

void change_say(const struct magic_call *c, const char *format, ...) {
    char text[300];
    va_list args;
    if (c->notebook->changes->dropped) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    magic_print(c, "%s", text);
}

enum status change_undo(const struct magic_call *c, bool back, struct err *e) {
    struct magic_changes *changes = c->notebook->changes;
    struct change_versions *from = back ? &changes->undo : &changes->redo, *to = back ? &changes->redo : &changes->undo;
    struct notebook *text;
    if (check_idle(c, e)) return e->status;
    if (from->count == 0)
        return err_set(e, ERR_STATE,
                       back ? "the notebook was not changed" : "no change of the notebook was taken back");
    if (push(to, c->notebook->notebook, c->notebook->state, e)) return e->status;
    struct change_version v = from->version[--from->count];
    if (notebook_parse(v.text, v.size, &text, e) == OK) magic_notebook_adopt(c->session, c->notebook, text, v.state, e);
    free_version(&v);
    return e->status ? e->status : change_save(c->session, c->notebook, e);
}
