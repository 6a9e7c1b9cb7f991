/* The notebook's file beside the prompt: what another program wrote to it is taken over, and nobody leaves with changes that
 * are not saved unasked. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "front/repl/repl.h"
#include "magic/change.h"
#include "session/checkpoint.h"

bool repl_ask(struct magic_notebook *nb, const char *question, char *answer, size_t size) {
    struct repl *r = (struct repl *)((char *)nb - offsetof(struct repl, notebook));
    if (!isatty(STDIN_FILENO)) return false;
    sink_flush(session_sink(r->session));
    fputs(question, stdout);
    fflush(stdout);
    clearerr(stdin); /* of a Ctrl-D before */
    if (!fgets(answer, (int)size, stdin)) {
        putchar('\n');
        fflush(stdout);
        return false;
    }
    answer[strcspn(answer, "\n")] = 0;
    return true;
}

bool repl_refresh(struct repl *r) {
    struct err e = {0};
    change_refresh(r->session, &r->notebook, &e);
    sink_flush(session_sink(r->session));
    if (e.status) repl_tell(r, "%s: %s\n", err_name(e.status), e.text);
    return !repl_next_is_shown(r);
}

/* Checkpoints, where there are some, are whole before they get another name. */
void repl_follow_notebook(struct repl *r) {
    const struct notebook *nb = r->notebook.notebook;
    const double interval = session_checkpoint_interval(r->session);
    struct buf report = {0};
    struct err e = {0}, unused = {0};
    if (!nb || journal_is_of(r->journal, nb->path)) return;
    if (access(journal_checkpoints(r->journal), F_OK) == 0) session_checkpoint_now(r->session, &report, &unused);
    buf_free(&report);
    journal_set_notebook(r->journal, nb->path, &e);
    if (*journal_checkpoints(r->journal)) session_checkpoint_start(r->session, journal_checkpoints(r->journal), &e);
    session_checkpoint_every(r->session, interval);
    if (e.status) repl_tell(r, "(celda resume will not find this notebook: %s)\n", e.text);
}

bool repl_is_unsaved(const struct repl *r) {
    return r->notebook.notebook && r->notebook.notebook->changed;
}

void repl_show_rescued(struct repl *r) {
    char path[PATH_MAX];
    if (r->notebook.notebook && change_find_rescued(&r->notebook, path, sizeof path))
        repl_tell(r, "Changes that an earlier session could not save are in %s; remove it when you have them.\n", path);
}

bool repl_may_leave(struct repl *r) {
    struct buf question = {0};
    char answer[16] = "";
    if (!repl_is_unsaved(r)) return true;
    const char *copy = r->notebook.changes->rescued;
    buf_printf(&question, "The changes of %s are not saved%s%s. Leave all the same? [y/N] ", change_name(&r->notebook),
               *copy ? "; a copy is " : "", copy);
    const bool answered = repl_ask(&r->notebook, buf_text(&question), answer, sizeof answer);
    buf_free(&question);
    if (answered) return *answer == 'y' || *answer == 'Y';
    fprintf(stderr, "celda: the changes of %s are not saved%s%s\n", change_name(&r->notebook),
            *copy ? "; a copy is " : "", copy);
    return true;
}
