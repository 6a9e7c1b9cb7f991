/* What a terminal pastes. Invariant: a line end is one character, as readline wants it, whatever the text came with. */
#include <stdbool.h>
#include <stdio.h>
/* readline.h wants stdio.h first */
#include <readline/readline.h>

#include "front/repl/repl.h"

/* Whether the bytes that ended with `c` are those that a terminal puts before, or behind, what is pasted. */
static bool ends(const char *bracket, size_t *matched, int c) {
    *matched = c == bracket[*matched] ? *matched + 1 : c == bracket[0];
    if (bracket[*matched]) return false;
    *matched = 0;
    return true;
}

int repl_read_byte(FILE *in) {
    static bool pasting;
    static int last;
    static size_t begun, ended;
    int c = rl_getc(in);
    if (pasting && last == '\r' && c == '\n') c = rl_getc(in);
    last = c;
    if (ends("\033[200~", &begun, c)) pasting = true;
    if (ends("\033[201~", &ended, c)) pasting = false;
    return c;
}
