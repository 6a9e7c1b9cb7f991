/* Keys in a cell of many lines: readline's own commands, but for those that would take a line for the whole input. */
#include <stdio.h>
#include <string.h>

/* readline.h wants stdio.h first */
#include <readline/history.h>
#include <readline/readline.h>

#include "base/mem.h"
#include "front/repl/input.h"
#include "front/repl/repl.h"

/* ---- lines of the buffer --------------------------------------------------------------------------------------------- */

static int line_begin(int at) {
    while (at > 0 && rl_line_buffer[at - 1] != '\n') at--;
    return at;
}

static int line_end(int at) {
    return at + (int)strcspn(rl_line_buffer + at, "\n");
}

static bool is_blank_between(int from, int to) {
    while (from < to && strchr(" \t\n", rl_line_buffer[from])) from++;
    return from >= to;
}

/* ---- Enter ----------------------------------------------------------------------------------------------------------- */

/* A new line below the cursor, indented as its block calls for; the blanks that stood there go. */
static int insert_line(int count, int key) {
    struct buf line = {0};
    (void)count, (void)key;
    rl_begin_undo_group();
    const int end = rl_point + (int)strspn(rl_line_buffer + rl_point, " \t");
    rl_delete_text(rl_point, end);
    const int indentation = input_indentation(rl_line_buffer, (size_t)rl_point, rl_line_buffer + rl_point);
    buf_printf(&line, "\n%*s", indentation, "");
    rl_insert_text(buf_text(&line));
    rl_end_undo_group();
    buf_free(&line);
    return 0;
}

static int run_cell(int count, int key) {
    rl_deactivate_mark(); /* of a paste: readline would draw the input again */
    repl_leave_input();
    rl_crlf();
    return rl_newline(count, key);
}

/* Enter goes on to a new line within a cell of several lines, and where what stands before the cursor is not whole; but
 * vi's command mode and a search that found the cell run it. */
static int enter(int count, int key) {
    const bool whole = input_is_whole(rl_line_buffer, (size_t)rl_end);
    const bool found = rl_last_func == rl_reverse_search_history || rl_last_func == rl_forward_search_history;
    if (whole && (found || rl_get_keymap() == vi_movement_keymap)) return run_cell(count, key);
    const bool single = !memchr(rl_line_buffer, '\n', (size_t)rl_end);
    const bool within = !single && !is_blank_between(line_end(rl_point), rl_end);
    const size_t n = (size_t)(single ? rl_end : rl_point);
    if (within || !whole || !input_is_whole(rl_line_buffer, n)) return insert_line(count, key);
    return run_cell(count, key);
}

/* ---- typing ---------------------------------------------------------------------------------------------------------- */

/* Gives the cursor's line so many blanks before its text. */
static void indent_line(int indentation) {
    const int begin = line_begin(rl_point), end = begin + (int)strspn(rl_line_buffer + begin, " \t"), at = rl_point;
    struct buf blanks = {0};
    if (end - begin == indentation) return;
    buf_printf(&blanks, "%*s", indentation, "");
    rl_begin_undo_group();
    rl_delete_text(begin, end);
    rl_point = begin;
    rl_insert_text(buf_text(&blanks));
    rl_end_undo_group();
    rl_point = at - (end - begin) + indentation;
    buf_free(&blanks);
}

/* A word that closes a block moves left as soon as it is one, and back if it turns out to go on ("end", "ending"). */
static int type(int count, int key) {
    const int result = rl_insert(count, key), begin = line_begin(rl_point);
    const int blanks = (int)strspn(rl_line_buffer + begin, " \t"), n = rl_point - begin - blanks;
    const char *word = rl_line_buffer + begin + blanks;
    if (begin == 0 || n < 1 || rl_point != line_end(rl_point)) return result;
    if (input_is_closer(word, (size_t)n) || input_is_closer(word, (size_t)n - 1))
        indent_line(input_indentation(rl_line_buffer, (size_t)begin, word));
    return result;
}

/* Tab within the blanks that begin a line goes further in; elsewhere it completes. */
static int tab(int count, int key) {
    const int begin = line_begin(rl_point);
    if (begin > 0 && is_blank_between(begin, rl_point)) {
        rl_insert_text(INPUT_STEP);
        return 0;
    }
    if (rl_last_func == tab) rl_last_func = rl_complete; /* which then lists what fits */
    return rl_complete(count, key);
}

/* To the end of the line, or of its last character the line end itself. */
static int kill_to_end(int count, int key) {
    const int end = line_end(rl_point);
    (void)count, (void)key;
    return rl_kill_text(rl_point, end == rl_point && end < rl_end ? end + 1 : end);
}

static int kill_to_begin(int count, int key) {
    const int at = rl_point, begin = line_begin(at);
    (void)count, (void)key;
    rl_kill_text(at, begin == at && at > 0 ? at - 1 : begin);
    rl_point = begin == at && at > 0 ? at - 1 : begin;
    return 0;
}

/* ---- moving ---------------------------------------------------------------------------------------------------------- */

static int to_line_begin(int count, int key) {
    (void)count, (void)key;
    rl_point = line_begin(rl_point);
    return 0;
}

static int to_line_end(int count, int key) {
    (void)count, (void)key;
    rl_point = line_end(rl_point);
    return 0;
}

/* The byte of the line from `begin` on that stands in a column, or its end. */
static int byte_at_column(int begin, int column) {
    int at = begin;
    const int end = line_end(begin);
    while (at < end && column > 0) {
        int next = at + 1;
        while (next < end && ((unsigned char)rl_line_buffer[next] & 0xC0) == 0x80) next++;
        column -= input_width(rl_line_buffer + at, (size_t)(next - at));
        if (column >= 0) at = next;
    }
    return at;
}

static int up(int count, int key);
static int down(int count, int key);

/* The column that up and down keep to, over lines that are too short for it. */
static int goal_column(void) {
    static int goal;
    const int begin = line_begin(rl_point);
    if (rl_last_func != up && rl_last_func != down)
        goal = input_width(rl_line_buffer + begin, (size_t)(rl_point - begin));
    return goal;
}

static int up(int count, int key) {
    const int begin = line_begin(rl_point);
    (void)count;
    if (begin == 0) return repl_walk_history(-1, key);
    rl_point = byte_at_column(line_begin(begin - 1), goal_column());
    return 0;
}

static int down(int count, int key) {
    const int end = line_end(rl_point);
    (void)count;
    if (end == rl_end) return repl_walk_history(1, key);
    rl_point = byte_at_column(end + 1, goal_column());
    return 0;
}

static int clear_window(int count, int key) {
    (void)count, (void)key;
    repl_clear_window();
    return 0;
}

/* ---- bindings -------------------------------------------------------------------------------------------------------- */

/* Wherever readline or the user's ~/.inputrc bound the old command, the new one is bound. */
static void replace(rl_command_func_t *old, rl_command_func_t *new) {
    const Keymap maps[] = {emacs_standard_keymap, vi_insertion_keymap, vi_movement_keymap};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        char **sequences = rl_invoking_keyseqs_in_map(old, maps[i]);
        for (char **s = sequences; s && *s; s++) {
            rl_set_key(*s, new, maps[i]);
            rl_free(*s);
        }
        rl_free(sequences);
    }
}

static void bind_letters(Keymap map) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_)]}";
    for (const char *c = letters; *c; c++)
        if (map[(unsigned char)*c].function == rl_insert) map[(unsigned char)*c].function = type;
}

enum status repl_bind(void *arg, const char *keys, const char *text, struct err *e) {
    struct buf macro = {0};
    (void)arg;
    for (; *text; text++) {
        if (*text == '\n')
            buf_puts(&macro, "\\C-m");
        else
            buf_printf(&macro, *text == '\\' ? "\\%c" : "%c", *text);
    }
    if (buf_status(&macro, e) == OK && (!*keys || rl_macro_bind(keys, buf_text(&macro), rl_get_keymap()) != 0))
        err_set(e, ERR_VALUE, "'%s' is no key as readline writes them: \\C-t, \\M-x, \\e[15~", keys);
    buf_free(&macro);
    return e->status;
}

void repl_open_keys(struct repl *r) {
    static const struct {
        rl_command_func_t *old, *new;
    } commands[] = {
        {rl_newline, enter},
        {rl_complete, tab},
        {rl_operate_and_get_next, insert_line},
        {rl_get_previous_history, up},
        {rl_get_next_history, down},
        {rl_beg_of_line, to_line_begin},
        {rl_end_of_line, to_line_end},
        {rl_kill_line, kill_to_end},
        {rl_unix_line_discard, kill_to_begin},
        {rl_clear_screen, clear_window},
        {rl_refresh_line, clear_window},
    };
    rl_add_defun("celda-new-line", insert_line, -1);
    rl_add_defun("celda-run-cell", run_cell, -1);
    rl_add_defun("celda-help", repl_show_help, -1);
    rl_variable_bind("bind-tty-special-chars", "off"); /* or they would be bound again at each prompt */
    rl_variable_bind("show-all-if-ambiguous", "on");
    rl_completion_display_matches_hook = repl_show_matches;
    rl_initialize(); /* reads ~/.inputrc */
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) replace(commands[i].old, commands[i].new);
    bind_letters(emacs_standard_keymap);
    bind_letters(vi_insertion_keymap);
    if (rl_function_of_keyseq("\033\r", emacs_standard_keymap, NULL) == rl_vi_editing_mode) /* readline's default */
        rl_set_key("\\e\\C-m", insert_line, emacs_standard_keymap);
    rl_bind_keyseq_if_unbound("\\e[Z", repl_show_help); /* Shift-Tab */
    repl_open_screen(r);
}
