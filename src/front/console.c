/* The console. Invariant: text, values and progress reach standard output in the order they came, and a progress line is
 * taken away before anything else is written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "front/front.h"

static void write_all(struct front_console *c, int fd, const char *bytes, size_t n) {
    while (n > 0 && !c->broken) {
        ssize_t k = write(fd, bytes, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) {
            if (fd == STDOUT_FILENO) c->broken = c->sink.closed = true;
            return;
        }
        bytes += k;
        n -= (size_t)k;
    }
}

static void erase_progress(struct front_console *c) {
    if (c->progress_shown) write_all(c, STDOUT_FILENO, "\r\033[K", 4);
    c->progress_shown = false;
}

static void console_text(struct sink *s, enum sink_stream stream, const char *bytes, size_t n) {
    struct front_console *c = (struct front_console *)s;
    if (stream == SINK_STATUS && !c->status) return;
    erase_progress(c);
    if (stream == SINK_STATUS && c->in_line && s->redraws) write_all(c, STDOUT_FILENO, "\n", 1);
    if (n > 0) c->in_line = bytes[n - 1] != '\n';
    write_all(c, stream == SINK_OUT ? STDOUT_FILENO : STDERR_FILENO, bytes, n);
}

static const struct sink_mime *find_type(const struct sink_mime *bundle, int n, const char *type) {
    for (int i = 0; i < n; i++)
        if (strcmp(bundle[i].type, type) == 0) return &bundle[i];
    return NULL;
}

/* False where the terminal shows no pictures, or this one cannot be sent: its text is shown then. */
static bool put_picture(struct front_console *c, const struct sink_mime *png) {
    struct buf out = {0};
    struct err e = {0};
    if (c->graphics == FRONT_GRAPHICS_UNKNOWN) c->graphics = front_ask_graphics();
    if (c->graphics != FRONT_GRAPHICS_KITTY && c->graphics != FRONT_GRAPHICS_SIXEL) return false;
    bool sent = front_write_picture(c->graphics, png, c->sink.width, &out, &e) == OK;
    buf_putc(&out, '\n');
    if (sent) console_text(&c->sink, SINK_OUT, buf_text(&out), out.len);
    buf_free(&out);
    return sent;
}

static void console_display(struct sink *s, const struct sink_mime *bundle, int n) {
    const struct sink_mime *text = find_type(bundle, n, "text/plain"), *png = find_type(bundle, n, "image/png");
    if (png && s->redraws && put_picture((struct front_console *)s, png)) return;
    if (!text) return;
    console_text(s, SINK_OUT, text->data, text->size);
    console_text(s, SINK_OUT, "\n", 1);
}

static void console_progress(struct sink *s, const char *line, size_t n) {
    struct front_console *c = (struct front_console *)s;
    erase_progress(c);
    front_console_resize(c); /* the window may have changed while the cell runs */
    if (n == 0) return;
    if (c->in_line) write_all(c, STDOUT_FILENO, "\n", 1);
    c->in_line = false;
    write_all(c, STDOUT_FILENO, line, n);
    c->progress_shown = true;
}

static void console_clear(struct sink *s) {
    erase_progress((struct front_console *)s);
}

void front_console_resize(struct front_console *c) {
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    c->sink.width = columns ? atoi(columns) : 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) c->sink.width = size.ws_col;
    if (c->sink.width < 20) c->sink.width = 80;
}

/* COLORTERM says whether the terminal knows 24-bit colours; a TERM such as xterm-256color, 256. */
static int colours_of(const char *term) {
    const char *colorterm = getenv("COLORTERM");
    if (colorterm && (strcmp(colorterm, "truecolor") == 0 || strcmp(colorterm, "24bit") == 0)) return 1 << 24;
    return strstr(term, "direct") ? 1 << 24 : strstr(term, "256color") ? 256 : 16;
}

void front_console_open(struct front_console *c) {
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    bool dumb = term && strcmp(term, "dumb") == 0;
    *c = (struct front_console){
        .sink = {
            .text = console_text, .display = console_display, .progress = console_progress, .clear = console_clear}};
    c->sink.redraws = isatty(STDOUT_FILENO) && !dumb;
    c->sink.colour = c->sink.redraws && !(no_colour && *no_colour);
    c->sink.colours = c->sink.colour ? colours_of(term ? term : "") : 0;
    front_console_resize(c);
}

int front_fail(const char *text) {
    fprintf(stderr, "celda: %s\n", text);
    return 1;
}
