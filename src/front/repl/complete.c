/* Tab: names from the session, magics after %, files inside quotes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

#include "front/repl/repl.h"

static struct repl *repl; /* readline's callbacks take no argument */

/* Candidates for the word from `start` to the cursor; malloc'ed, as readline frees them. */
static struct {
    char **word;
    int count, cap, next;
    int start;
} found;

static void add(void *arg, size_t start, const char *word) {
    (void)arg, (void)start;
    if (found.count == found.cap) {
        int cap = found.cap ? 2 * found.cap : 64;
        char **more = realloc(found.word, sizeof *more * (size_t)cap);
        if (!more) return;
        found.word = more;
        found.cap = cap;
    }
    for (int i = 0; i < found.count; i++)
        if (strcmp(found.word[i], word) == 0) return;
    char *copy = strdup(word);
    if (copy) found.word[found.count++] = copy;
}

static char *next_word(const char *text, int state) {
    size_t n = strlen(text);
    if (state == 0) found.next = 0;
    while (found.next < found.count) {
        const char *word = found.word[found.next++];
        if (strncmp(word, text, n) == 0) return strdup(word);
    }
    return NULL;
}

static void add_magic(void *word, const struct magic *m) {
    if (strncmp(m->name, word, strlen(word)) == 0) add(NULL, 0, m->name);
}

static bool inside_quotes(const char *line, int cursor) {
    char quote = 0;
    for (int i = 0; i < cursor; i++) {
        if (quote && line[i] == '\\')
            i++;
        else if (quote ? line[i] == quote : line[i] == '"' || line[i] == '\'')
            quote = quote ? 0 : line[i];
    }
    return quote != 0;
}

static char **complete(const char *text, int start, int end) {
    (void)end;
    if (inside_quotes(rl_line_buffer, start)) return NULL; /* readline's own: files */
    rl_attempted_completion_over = 1;
    rl_completion_suppress_append = 1;
    for (int i = 0; i < found.count; i++) free(found.word[i]);
    found.count = 0;
    if (start > 0 && rl_line_buffer[start - 1] == '%')
        magic_each(repl->session, add_magic, (void *)text);
    else
        session_complete(repl->session, rl_line_buffer, (size_t)rl_point, add, NULL);
    return rl_completion_matches(text, next_word);
}

void repl_open_completion(struct repl *r) {
    repl = r;
    rl_readline_name = "celda";
    rl_attempted_completion_function = complete;
    rl_basic_word_break_characters = " \t\n\"\\'`@$><=;|&{}()[]+-*/^%#~,:.";
    rl_completer_quote_characters = "\"'";
}
