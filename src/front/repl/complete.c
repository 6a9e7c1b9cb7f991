/* Tab: names and arguments from the session, magics and what they take, files inside quotes. Shift-Tab: help. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* readline.h wants stdio.h first */
#include <readline/readline.h>

#include "base/mem.h"
#include "cell/array.h"
#include "cell/call.h"
#include "cell/magic_line.h"
#include "cell/name.h"
#include "front/repl/input.h"
#include "front/repl/repl.h"

static struct repl *repl; /* readline's callbacks take no argument */

/* Candidates for the word that ends at the cursor. */
static struct {
    struct input_candidate *at;
    size_t count, arguments; /* these come first, and are not sorted */
    bool shown_only;         /* they are there to be read alone */
    size_t next;             /* for readline */
} found;

static void clear_found(void) {
    for (size_t i = 0; i < found.count; i++) {
        mem_free(found.at[i].word);
        mem_free(found.at[i].note);
    }
    mem_free(found.at);
    memset(&found, 0, sizeof found);
}

static void add_word(void *prefix, const char *word, const char *note) {
    struct err e = {0};
    if (prefix && strncmp(word, prefix, strlen(prefix)) != 0) return;
    if (prefix && !*(const char *)prefix && *word == '-') return; /* options are for who asks for one */
    struct input_candidate new = {mem_strdup(word, &e), mem_strdup(note, &e)}, *place = NULL;
    if (e.status == OK) place = ARRAY_PUSH(found.at, found.count, &e);
    if (place) {
        *place = new;
        return;
    }
    mem_free(new.word);
    mem_free(new.note);
}

static void add(void *arg, const struct session_candidate *c) {
    add_word(arg, c->word, c->note);
    if (c->argument) found.arguments = found.count;
    found.shown_only = c->shown_only;
}

static void add_magic(void *word, const struct magic *m) {
    add_word(word, m->name, "");
}

static int by_word(const void *a, const void *b) {
    return strcmp(((const struct input_candidate *)a)->word, ((const struct input_candidate *)b)->word);
}

static void sort_found(void) {
    size_t kept = found.arguments;
    const size_t names = found.count - kept;
    if (names > 0) qsort(found.at + kept, names, sizeof *found.at, by_word);
    for (size_t i = kept; i < found.count; i++) {
        if (kept > found.arguments && by_word(&found.at[kept - 1], &found.at[i]) == 0) {
            mem_free(found.at[i].word);
            mem_free(found.at[i].note);
        } else {
            found.at[kept++] = found.at[i];
        }
    }
    found.count = kept;
}

/* ---- the list -------------------------------------------------------------------------------------------------------- */

/* A text below the input, which is then drawn again below that. */
static void show_below(const struct buf *text) {
    repl_leave_input();
    rl_crlf();
    repl_print(repl, "%s", buf_text(text));
    rl_forced_update_display();
}

/* The window holds both the list and the input. */
static void show_list(const struct input_candidate *c, int n) {
    struct buf text = {0};
    int lines, columns;
    rl_get_screen_size(&lines, &columns);
    input_list_candidates(c, n, columns, lines - 4, &text);
    show_below(&text);
    buf_free(&text);
}

/* Readline's list: matches[1] to matches[count], of which files are not among what was found. */
void repl_show_matches(char **matches, int count, int longest) {
    struct input_candidate *files = mem_zalloc(sizeof *files * (size_t)count, NULL);
    (void)longest;
    if (found.count > 0)
        show_list(found.at, (int)found.count);
    else if (files) {
        for (int i = 0; i < count; i++) {
            const char *slash = strrchr(matches[i + 1], '/');
            files[i] = (struct input_candidate){slash && slash[1] ? (char *)slash + 1 : matches[i + 1], ""};
        }
        show_list(files, count);
    }
    mem_free(files);
}

/* ---- finding --------------------------------------------------------------------------------------------------------- */

static char *next_word(const char *text, int state) {
    (void)text;
    if (state == 0) found.next = 0;
    return found.next < found.count ? strdup(found.at[found.next++].word) : NULL;
}

/* What stands at the cursor, by the line it is on. */
struct place {
    enum { NAME, MAGIC_NAME, MAGIC_ARGUMENT, SHELL_COMMAND } kind;
    const char *magic; /* of MAGIC_ARGUMENT, n bytes */
    size_t n;
};

static struct place find_place(int word) {
    int begin = rl_point;
    while (begin > 0 && rl_line_buffer[begin - 1] != '\n') begin--;
    const struct cell_magic m = cell_magic_line(rl_line_buffer + begin, (size_t)(rl_point - begin));
    const bool magic = m.kind == CELL_MAGIC_LINE || m.kind == CELL_MAGIC_CELL;
    const char *line = rl_line_buffer + begin;
    if (m.kind == CELL_MAGIC_SHELL) return (struct place){.kind = SHELL_COMMAND};
    const bool signs_alone = begin + (int)strspn(line, " \t%-?") >= word; /* "%", "-- %", "?%" */
    if (word > 0 && rl_line_buffer[word - 1] == '%' && (magic || signs_alone))
        return (struct place){.kind = MAGIC_NAME};
    if (!magic || (size_t)(word - begin) < m.name.end) return (struct place){.kind = NAME};
    return (struct place){MAGIC_ARGUMENT, line + m.name.begin, m.name.end - m.name.begin};
}

static enum magic_arguments
find_arguments(const struct place *p, void (*add_one)(void *arg, const char *word, const char *note), void *prefix) {
    return magic_complete(repl->session, &repl->notebook, p->magic, p->n, add_one, prefix);
}

static void add_names(void) {
    session_complete(repl->session, rl_line_buffer, (size_t)rl_point, add, NULL);
}

/* False: the word is a path. */
static bool find_words(char *prefix, int word) {
    const struct place p = find_place(word);
    switch (p.kind) {
    case SHELL_COMMAND: return false;
    case MAGIC_NAME: magic_each(repl->session, add_magic, prefix); return true;
    case MAGIC_ARGUMENT: {
        const enum magic_arguments takes = find_arguments(&p, add_word, prefix);
        if (found.count == 0 && takes == MAGIC_TAKES_LUA) add_names();
        return found.count > 0 || takes == MAGIC_TAKES_LUA;
    }
    default: add_names(); return true;
    }
}

/* False: the string is a path, as far as one can tell. */
static bool find_values(char *prefix, int start) {
    session_complete_value(repl->session, rl_line_buffer, (size_t)start - 1, add, prefix);
    return found.count > 0;
}

static char **complete(const char *text, int start, int end) {
    (void)end;
    const bool in_string = input_ends_in_string(rl_line_buffer, (size_t)start);
    clear_found();
    if (!(in_string ? find_values : find_words)((char *)text, start)) return NULL; /* files */
    rl_attempted_completion_over = 1;
    rl_completion_suppress_append = 1;
    if (!found.shown_only) {
        sort_found();
        return rl_completion_matches(text, next_word);
    }
    if (repl_has_screen()) show_list(found.at, (int)found.count);
    return NULL;
}

/* ---- help ------------------------------------------------------------------------------------------------------------ */

/* The dotted name at the cursor. */
static struct cell_span name_at_cursor(void) {
    struct cell_span s = {(size_t)rl_point, (size_t)rl_point};
    while (cell_is_name(rl_line_buffer[s.end])) s.end++;
    while (s.begin > 0 && (cell_is_name(rl_line_buffer[s.begin - 1]) || strchr(".:", rl_line_buffer[s.begin - 1])))
        s.begin--;
    return s;
}

static bool find_help(struct cell_span s, struct buf *text) {
    return s.end > s.begin && session_help_at(repl->session, rl_line_buffer + s.begin, s.end - s.begin, text);
}

int repl_show_help(int count, int key) {
    struct buf text = {0};
    struct cell_call call;
    (void)count, (void)key;
    if (find_help(name_at_cursor(), &text) ||
        (cell_call_at(rl_line_buffer, (size_t)rl_point, &call) && find_help(call.callee, &text)))
        show_below(&text);
    else
        rl_ding();
    buf_free(&text);
    return 0;
}

/* ---- opening --------------------------------------------------------------------------------------------------------- */

static void ignore(void *arg, const char *word, const char *note) {
    (void)arg, (void)word, (void)note;
}

/* What ends a word: of a path, fewer characters than of a name. */
static char *word_breaks(void) {
    static char names[] = " \t\n\"\\'`@$><=;|&{}()[]+-*/^%#~,:.", paths[] = " \t\n\"'`@$><=;|&{(";
    const struct place p = find_place(rl_point);
    const bool path = p.kind == SHELL_COMMAND || input_ends_in_string(rl_line_buffer, (size_t)rl_point) ||
                      (p.kind == MAGIC_ARGUMENT && find_arguments(&p, ignore, NULL) == MAGIC_TAKES_PATHS);
    return path ? paths : names;
}

void repl_open_completion(struct repl *r) {
    repl = r;
    rl_readline_name = "celda";
    rl_attempted_completion_function = complete;
    rl_completion_word_break_hook = word_breaks;
    rl_completer_quote_characters = "\"'";
}
