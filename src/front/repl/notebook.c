/* The notebook's file beside the prompt: what another program wrote to it is taken over, and nobody leaves with changes that
 * are not saved unasked. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "front/repl/repl.h"
#include "magic/change.h"

bool repl_ask(struct magic_notebook *nb, const char *question, char *answer, size_t size) {
    (void)nb;
    if (!isatty(STDIN_FILENO)) return false;
    fputs(question, stdout);
    fflush(stdout);
    if (!fgets(answer, (int)size, stdin)) return false;
    answer[strcspn(answer, "\n")] = 0;
    return true;
}

bool repl_refresh(struct repl *r) {
    struct err e = {0};
    if (change_refresh(r->session, &r->notebook, &e)) repl_print(r, "%s: %s\n", err_name(e.status), e.text);
    return !repl_next_is_shown(r);
}

bool repl_is_unsaved(const struct repl *r) {
    return r->notebook.notebook && r->notebook.notebook->changed;
}

bool repl_may_leave(struct repl *r) {
    char question[300], answer[16];
    if (!repl_is_unsaved(r)) return true;
    snprintf(question, sizeof question, "The changes of %s are not saved. Leave all the same? [y/N] ",
             change_name(&r->notebook));
    if (repl_ask(&r->notebook, question, answer, sizeof answer)) return *answer == 'y' || *answer == 'Y';
    fprintf(stderr, "celda: the changes of %s are not saved\n", change_name(&r->notebook));
    return true;
}
