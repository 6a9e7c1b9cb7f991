/* Readline's redisplay, for cells of many lines. Invariant: `shown` is what stands on the terminal, from the prompt's row on,
 * with its cursor. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* readline.h wants stdio.h first */
#include <readline/readline.h>

#include "base/mem.h"
#include "front/repl/input.h"
#include "front/repl/repl.h"

static struct {
    struct input_grid shown, next;
    int columns, lines; /* of the window */
    int top;            /* the first of the input's rows that is shown: a cell may be taller than the window */
    bool colour;
} screen;

/* `point` behind the text's end: for good, no bracket is marked. */
static void lay_out(size_t point, struct input_grid *g) {
    const size_t n = (size_t)rl_end;
    const char *prompt = rl_prompt ? rl_prompt : "";
    unsigned char *style = screen.colour ? mem_alloc(n + 1, NULL) : NULL;
    if (style) input_paint(rl_line_buffer, n, point, style);
    const struct input_view view = {.prompt = rl_display_prompt ? rl_display_prompt : prompt,
                                    .text = rl_line_buffer,
                                    .n = n,
                                    .point = point,
                                    .style = style,
                                    .margin = input_margin(input_width(prompt, strlen(prompt)), screen.columns),
                                    .columns = screen.columns};
    input_layout(&view, g);
    mem_free(style);
}

/* The cursor's row is shown, and as little as possible moves. */
static void scroll(struct input_grid *g) {
    const int last = g->rows > screen.lines ? g->rows - screen.lines : 0;
    if (screen.top < g->row - screen.lines + 1) screen.top = g->row - screen.lines + 1;
    if (screen.top > g->row) screen.top = g->row;
    if (screen.top > last) screen.top = last;
    input_crop(g, screen.top, screen.lines);
}

/* Brings the terminal from `shown` to `next`. */
static void show_next(void) {
    const struct input_grid old = screen.shown;
    struct buf out = {0};
    input_update(&old, &screen.next, &out);
    screen.shown = screen.next;
    screen.next = old;
    fwrite(buf_text(&out), 1, out.len, rl_outstream);
    fflush(rl_outstream);
    buf_free(&out);
}

static void redisplay(void) {
    if (rl_done) return; /* the input was left as it stands */
    lay_out((size_t)rl_point, &screen.next);
    scroll(&screen.next);
    show_next();
}

/* What comes next on the terminal is drawn anew. */
static void forget(void) {
    screen.shown.rows = screen.shown.row = screen.shown.column = 0;
    screen.top = 0;
}

/* Takes away all that is shown; the cursor is so many rows below its beginning. */
static void erase(int rows) {
    if (rows > 0) fprintf(rl_outstream, "\033[%dA", rows);
    fputs("\r\033[J", rl_outstream);
    forget();
}

static void read_size(void) {
    struct winsize size = {0};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    screen.columns = size.ws_col >= 2 ? size.ws_col : 80;
    screen.lines = size.ws_row >= 1 ? size.ws_row : 24;
}

bool repl_has_screen(void) {
    return rl_redisplay_function == redisplay;
}

void repl_open_screen(struct repl *r) {
    read_size();
    screen.colour = r->console.sink.colour;
    rl_redisplay_function = redisplay;
}

void repl_resize_input(void) {
    if (!repl_has_screen()) {
        rl_resize_terminal();
        return;
    }
    read_size();
    rl_set_screen_size(screen.lines, screen.columns);
    if (screen.shown.rows == 0) return;
    erase(input_rows_above(&screen.shown, screen.columns));
    redisplay();
}

void repl_leave_input(void) {
    if (!repl_has_screen() || screen.shown.rows == 0) return;
    lay_out((size_t)rl_end + 1, &screen.next);
    show_next();
    forget();
}

void repl_draw_input(void) {
    forget();
    rl_forced_update_display();
}

void repl_clear_window(void) {
    fputs("\033[H\033[2J", rl_outstream);
    repl_draw_input();
}
