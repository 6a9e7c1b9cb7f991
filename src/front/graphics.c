/* Whether the terminal shows pictures: it is asked, and pictures are sent in its protocol. Invariant: nothing is sent to
 * what is no terminal, and afterwards the terminal's modes are as they were. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "draw/draw.h"
#include "front/front.h"

enum { TIMEOUT = 1000 }; /* ms until a terminal that does not answer counts as one without pictures */

/* A picture of one pixel that kitty's protocol is to check, then "what are you" (DA1), which all terminals answer. */
static const char question[] = "\033_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\033\\\033[c";

static long milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The answer to DA1 in what was read: "\033[?62;4c"; NULL while it is not whole. */
static const char *device_attributes(const char *text) {
    const char *at = strstr(text, "\033[?");
    return at && at[3 + strspn(at + 3, "0123456789;")] == 'c' ? at + 3 : NULL;
}

/* Attribute 4 is sixel graphics. */
static bool has_sixel(const char *attributes) {
    while (*attributes != 'c') {
        size_t n = strspn(attributes, "0123456789");
        if (n == 1 && *attributes == '4') return true;
        attributes += n + (attributes[n] == ';');
    }
    return false;
}

static void read_answer(char *answer, size_t size) {
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    long end = milliseconds() + TIMEOUT, left;
    size_t n = 0;
    answer[0] = 0;
    while (n + 1 < size && !device_attributes(answer) && (left = end - milliseconds()) > 0) {
        if (poll(&p, 1, (int)left) <= 0) continue;
        ssize_t k = read(STDIN_FILENO, answer + n, size - 1 - n);
        if (k <= 0) return;
        n += (size_t)k;
        answer[n] = 0;
    }
}

enum front_graphics front_ask_graphics(void) {
    struct termios before, raw;
    struct pollfd typed = {.fd = STDIN_FILENO, .events = POLLIN};
    char answer[512];
    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before)) return FRONT_GRAPHICS_NONE;
    if (tcgetpgrp(STDIN_FILENO) != getpgrp()) return FRONT_GRAPHICS_UNKNOWN; /* in the background it would be stopped */
    raw = before;
    raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw)) return FRONT_GRAPHICS_NONE;
    bool asked = poll(&typed, 1, 0) == 0; /* keys typed ahead are not the answer, and stay */
    if (asked) asked = write(STDOUT_FILENO, question, sizeof question - 1) == (ssize_t)sizeof question - 1;
    if (asked) read_answer(answer, sizeof answer);
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    if (!asked) return FRONT_GRAPHICS_UNKNOWN;
    const char *attributes = device_attributes(answer);
    if (strstr(answer, "\033_Gi=31;OK")) return FRONT_GRAPHICS_KITTY;
    return attributes && has_sixel(attributes) ? FRONT_GRAPHICS_SIXEL : FRONT_GRAPHICS_NONE;
}

enum status front_write_picture(enum front_graphics graphics, const struct sink_mime *png, int columns, struct buf *out,
                                struct err *e) {
    struct draw_pixels pixels;
    if (graphics == FRONT_GRAPHICS_KITTY) {
        draw_kitty(png->data, png->size, columns, out);
        return buf_status(out, e);
    }
    if (draw_read_png(png->data, png->size, &pixels, e)) return e->status;
    draw_sixel(&pixels, out, e);
    draw_pixels_free(&pixels);
    return e->status;
}
