/* %edit: a cell's source in the user's editor. What is saved there is the cell from then on; it does not run. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "magic/change.h"

/* ---- the editor ---------------------------------------------------------------------------------------------------- */

/* A command of the shell. */
static const char *find_editor(struct err *e) {
    const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");
    if (visual && *visual) return visual;
    if (!editor) return access("/usr/bin/sensible-editor", X_OK) ? "vi" : "sensible-editor";
    if (editor[strspn(editor, " \t")]) return editor;
    err_set(e, ERR_STATE, "EDITOR is set, but empty: %%env EDITOR=nano, say, names one");
    return NULL;
}

/* Runs it on the file and waits; system() leaves Ctrl-C to the editor meanwhile. */
static enum status run_editor(const char *editor, const char *path, struct err *e) {
    struct buf command = {0};
    buf_printf(&command, "%s '%s'%s", editor, path, isatty(STDIN_FILENO) ? "" : " </dev/null");
    const int status = buf_status(&command, e) == OK ? system(buf_text(&command)) : -1;
    buf_free(&command);
    if (status == -1) return err_set(e, ERR_IO, "the editor '%s' cannot be started: %s", editor, strerror(errno));
    if (WIFSIGNALED(status))
        return err_set(e, ERR_STATE, "the editor '%s' was ended by signal %d", editor, WTERMSIG(status));
    if (WEXITSTATUS(status) == 127)
        return err_set(e, ERR_NOT_FOUND, "there is no editor '%s': %%env EDITOR=nano, say, names another", editor);
    if (WEXITSTATUS(status))
        return err_set(e, ERR_STATE, "the editor '%s' ended with status %d", editor, WEXITSTATUS(status));
    return OK;
}

/* ---- the file ------------------------------------------------------------------------------------------------------ */

static enum status write_source(const struct cell *cell, const char *ending, char *path, size_t size, struct err *e) {
    const char *folder = getenv("TMPDIR");
    snprintf(path, size, "%s/celda-XXXXXX%s", folder && *folder && !strchr(folder, '\'') ? folder : "/tmp", ending);
    const int fd = mkstemps(path, (int)strlen(ending));
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f) return err_set(e, ERR_IO, "no file for the editor: '%s': %s", path, strerror(errno));
    if (cell) fwrite(cell->source, 1, cell->size, f);
    if (cell && cell->size > 0) fputc('\n', f);
    const bool failed = ferror(f);
    if (fclose(f) || failed) {
        err_set(e, ERR_IO, "no file for the editor: '%s': %s", path, strerror(errno));
        unlink(path);
    }
    return e->status;
}

static bool is_as_before(const struct cell *cell, const struct buf *source) {
    if (!cell) return source->len == 0;
    return source->len == cell->size && memcmp(buf_text(source), cell->source, cell->size) == 0;
}

/* Has the source edited; `out` is what was saved. What an editor that fails had saved stays in the file. */
static enum status edit_source(const struct cell *cell, const char *ending, struct buf *out, struct err *e) {
    char path[256];
    struct err failed = {0};
    const char *editor = find_editor(e);
    if (!editor || write_source(cell, ending, path, sizeof path, e)) return e->status;
    run_editor(editor, path, &failed);
    if (buf_read_file(out, path, e)) return e->status;
    while (out->len > 0 && strchr(" \t\r\n", out->data[out->len - 1])) out->data[--out->len] = 0;
    if (!failed.status || is_as_before(cell, out)) {
        unlink(path);
        return failed.status ? err_set(e, failed.status, "%s", failed.text) : OK;
    }
    return err_set(e, failed.status, "%s; what it had saved is in %s", failed.text, path);
}

/* ---- the magic ----------------------------------------------------------------------------------------------------- */

static enum status change(const struct magic_call *c, const struct change_target *t, int at, const struct buf *source,
                          struct err *e) {
    struct notebook *copy;
    if (change_begin(c, &copy, e)) return e->status;
    if (at >= 0)
        notebook_set_source(copy, (size_t)at, buf_text(source), source->len, e);
    else
        notebook_insert(copy, copy->count, t->text ? CELL_MARKDOWN : CELL_CODE, buf_text(source), source->len, e);
    if (e->status) {
        notebook_free(copy);
        return e->status;
    }
    if (change_commit(c, copy, e)) return e->status;
    if (t->text)
        change_say(c, "text above [%d] is %s\n", t->n, at < 0 ? "new" : "changed");
    else if (t->n == c->notebook->next)
        change_say(c, "[%d] is %s; Enter runs it\n", t->n, at < 0 ? "new" : "changed");
    else
        change_say(c, "[%d] is %s; %%run %d runs it\n", t->n, at < 0 ? "new" : "changed", t->n);
    return OK;
}

/* Behind the last cell there is room for one that is not there yet. */
static bool is_room(const struct magic_call *c, const struct change_target *t) {
    return !t->text && t->n == c->notebook->count + 1;
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct change_target t = {.n = c->notebook->next};
    struct buf source = {0};
    if (change_parse_target(c, &t, e)) return e->status;
    const int at = is_room(c, &t) ? -1 : change_find_target(c, &t, e);
    if (e->status) return e->status;
    const struct cell *cell = at < 0 ? NULL : &c->notebook->notebook->cells[at];
    sink_flush(session_sink(c->session));
    if (edit_source(cell, t.text ? ".md" : ".lua", &source, e) == OK) {
        if (is_as_before(cell, &source))
            magic_print(c, "nothing was changed\n");
        else
            change(c, &t, at, &source, e);
    }
    buf_free(&source);
    return e->status;
}

const struct magic magic_edit = {
    .name = "edit",
    .usage = "%edit [N] [markdown]",
    .help = "opens a cell in your editor\nWithout a number: the next one; behind the last one it makes a new one. "
            "markdown: "
            "the text right above the cell. What you save there is the cell, and is saved in the notebook; it does not "
            "run. "
            "A line `-- %%` in it begins another cell. The editor is $VISUAL, else $EDITOR.",
    .needs_notebook = true,
    .run = run,
};
