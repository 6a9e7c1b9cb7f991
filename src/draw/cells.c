/* A drawing as lines of text: each cell has two halves for areas and images, 2 x 4 dots (braille) for lines and marks, and a
 * character. Invariant: without colours no escape is written. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "draw/internal.h"

enum { DOT = 4, HALF = 8 }; /* units of a dot and of a half cell, both square */

struct cell {
    uint32_t half[2]; /* colours; 0: none */
    uint32_t ink;     /* of the dots and the character; 0: none */
    uint32_t code;    /* the character; 0: none */
    uint8_t dots;     /* as U+2800 counts them */
};

struct cells {
    const struct drawing *drawing;
    const struct draw_item *item;
    int columns, rows, colours;
    struct cell *cell;
    struct cover cover;
};

static struct cell *cell_at(const struct cells *s, int column, int row) {
    bool inside = column >= 0 && row >= 0 && column < s->columns && row < s->rows;
    return inside ? &s->cell[(size_t)row * (size_t)s->columns + (size_t)column] : NULL;
}

static bool is_visible(const struct draw_box *clip, double x, double y) {
    return x >= clip->x && y >= clip->y && x <= clip->x + clip->width && y <= clip->y + clip->height;
}

/* ---- painting ------------------------------------------------------------------------------------------------------ */

static void set_half(const struct cells *s, int x, int y, uint32_t colour) {
    struct cell *c = is_visible(&s->item->clip, (x + 0.5) * HALF, (y + 0.5) * HALF) ? cell_at(s, x, y / 2) : NULL;
    if (!c) return;
    c->half[y % 2] = colour;
    c->dots = 0;
    c->code = 0;
}

/* White areas clear: they are the paper. */
static void paint_half(void *arg, int x, int y, double share) {
    const struct cells *s = arg;
    const struct cell *c = cell_at(s, x, y / 2);
    uint32_t colour = s->item->colour;
    if (share < 0.5 || !c) return;
    if (colour >> 8 == 0xffffff)
        set_half(s, x, y, 0);
    else
        set_half(s, x, y, c->half[y % 2] ? draw_blend(c->half[y % 2], colour, 1) : colour | 255);
}

static void paint_dot(const struct cells *s, double x, double y) {
    static const uint8_t bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    int column = (int)floor(x / DOT), row = (int)floor(y / DOT);
    struct cell *c = is_visible(&s->item->clip, x, y) && x >= 0 && y >= 0 ? cell_at(s, column / 2, row / 4) : NULL;
    if (!c || c->code) return;
    c->dots |= bit[row % 4][column % 2];
    c->ink = s->item->colour;
}

static void paint_piece(void *arg, struct draw_point a, struct draw_point b) {
    const struct cells *s = arg;
    double far = 4.0 * DRAW_MAX_SIZE, length = fmax(fabs(b.x - a.x), fabs(b.y - a.y));
    if (fabs(a.x) > far || fabs(a.y) > far || length > far) return;
    int steps = (int)(2 * length / DOT) + 1;
    for (int i = 0; i <= steps; i++) paint_dot(s, a.x + (b.x - a.x) * i / steps, a.y + (b.y - a.y) * i / steps);
}

static void paint_marks(const struct cells *s) {
    const struct draw_point *p = draw_points(s->drawing, s->item);
    for (size_t i = 0; i < s->item->count; i++)
        if (isfinite(p[i].x) && isfinite(p[i].y)) paint_dot(s, p[i].x, p[i].y);
}

static enum status paint_area(struct cells *s, struct err *e) {
    const struct draw_point *p = draw_points(s->drawing, s->item);
    struct draw_point *scaled = mem_alloc(sizeof *scaled * (s->item->count + 1), e);
    size_t n = 0;
    if (!scaled) return e->status;
    for (size_t i = 0; i < s->item->count; i++)
        if (isfinite(p[i].x) && isfinite(p[i].y)) scaled[n++] = (struct draw_point){p[i].x / HALF, p[i].y / HALF};
    cover_polygon(&s->cover, scaled, n);
    cover_paint(&s->cover, paint_half, s);
    mem_free(scaled);
    return OK;
}

static void paint_image(const struct cells *s) {
    struct draw_box box = draw_box_of(s->drawing, s->item);
    int x0 = (int)floor(box.x / HALF + 0.5), x1 = (int)floor((box.x + box.width) / HALF + 0.5);
    int y0 = (int)floor(box.y / HALF + 0.5), y1 = (int)floor((box.y + box.height) / HALF + 0.5);
    for (int y = y0 < 0 ? 0 : y0; y < y1 && y < 2 * s->rows; y++)
        for (int x = x0 < 0 ? 0 : x0; x < x1 && x < s->columns; x++) {
            struct draw_box under = {x * HALF, y * HALF, HALF, HALF};
            set_half(s, x, y, draw_image_colour(s->drawing, s->item, &under));
        }
}

static void paint_text(const struct cells *s) {
    const struct draw_point at = *draw_points(s->drawing, s->item);
    const char *text = draw_bytes(s->drawing, s->item);
    int n = (int)draw_code_count(text), along = s->item->vertical ? DRAW_CHAR_HEIGHT : DRAW_CHAR_WIDTH;
    double back = s->item->align == DRAW_LEFT ? 0 : s->item->align == DRAW_CENTRE ? n / 2.0 : n;
    int column = (int)floor(at.x / DRAW_CHAR_WIDTH + (s->item->vertical ? 0 : 0.5 - back));
    int row = (int)floor(at.y / DRAW_CHAR_HEIGHT - (s->item->vertical ? n - back : 0));
    if (along == DRAW_CHAR_HEIGHT && row < 0) row = 0;
    for (; *text; s->item->vertical ? row++ : column++) {
        uint32_t code = draw_next_code(&text);
        struct cell *c = code > ' ' ? cell_at(s, column, row) : NULL;
        if (!c) continue;
        c->code = code;
        c->ink = s->item->colour;
        c->dots = 0;
    }
}

static enum status paint_item(struct cells *s, const struct draw_item *item, struct err *e) {
    s->item = item;
    switch (item->kind) {
    case DRAW_LINE: draw_each_piece(s->drawing, item, paint_piece, s); break;
    case DRAW_AREA: return paint_area(s, e);
    case DRAW_MARKS: paint_marks(s); break;
    case DRAW_TEXT: paint_text(s); break;
    case DRAW_IMAGE: paint_image(s); break;
    }
    return OK;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static void put_code(struct buf *out, uint32_t c) {
    if (c < 0x80) {
        buf_putc(out, (char)c);
    } else if (c < 0x800) {
        buf_printf(out, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 63)));
    } else if (c < 0x10000) {
        buf_printf(out, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
    } else {
        buf_printf(out, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 63)), (int)(0x80 | (c >> 6 & 63)),
                   (int)(0x80 | (c & 63)));
    }
}

/* What a cell shows: a character with a colour for it and one for its ground (0: the terminal's own). */
struct shown {
    uint32_t code, ink, ground;
};

static struct shown shown_of(const struct cell *c) {
    uint32_t ground = c->half[0] ? c->half[0] : c->half[1];
    uint32_t ink = c->ink >> 8 == 0 && !ground ? 0 : c->ink | 255; /* black on the terminal's ground is its own ink */
    if (c->code) return (struct shown){c->code, ink, ground};
    if (c->dots) return (struct shown){0x2800u + c->dots, ink, ground};
    if (c->half[0] == c->half[1]) return (struct shown){' ', 0, ground};
    if (!c->half[0]) return (struct shown){0x2584, c->half[1], 0}; /* lower half */
    return (struct shown){0x2580, c->half[0], c->half[1]};         /* upper half */
}

/* The same without colours: halves are shades, the darker the denser. */
static struct shown shade_of(const struct cell *c) {
    static const uint32_t shade[] = {' ', 0x2591, 0x2592, 0x2593, 0x2588};
    if (c->code || c->dots) return (struct shown){c->code ? c->code : 0x2800u + c->dots, 0, 0};
    double dark = 0;
    for (int i = 0; i < 2; i++) {
        uint32_t h = c->half[i];
        if (h) dark += 0.5 - (0.299 * draw_red(h) + 0.587 * draw_green(h) + 0.114 * draw_blue(h)) / 510;
    }
    return (struct shown){shade[(int)(dark * 4 + 0.5)], 0, 0};
}

/* The nearest of xterm's 256: a 6 x 6 x 6 cube with levels 0, 95, 135, ... 255, and 24 greys 8, 18, ... 238. */
static int index_256(uint32_t c) {
    int v[3] = {draw_red(c), draw_green(c), draw_blue(c)}, level[3], off = 0;
    for (int i = 0; i < 3; i++) {
        level[i] = v[i] < 48 ? 0 : v[i] < 115 ? 1 : (v[i] - 35) / 40;
        off += abs(v[i] - (level[i] ? 55 + 40 * level[i] : 0));
    }
    int grey = ((v[0] + v[1] + v[2]) / 3 - 3) / 10, value;
    grey = grey < 0 ? 0 : grey > 23 ? 23 : grey;
    value = 8 + 10 * grey;
    if (abs(v[0] - value) + abs(v[1] - value) + abs(v[2] - value) < off) return 232 + grey;
    return 16 + 36 * level[0] + 6 * level[1] + level[2];
}

/* The nearest of xterm's first sixteen. */
static int index_16(uint32_t c) {
    static const uint32_t colour[16] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
                                        0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};
    int best = 0, least = 1 << 30;
    for (int i = 0; i < 16; i++) {
        int r = draw_red(colour[i] << 8) - draw_red(c), g = draw_green(colour[i] << 8) - draw_green(c);
        int b = draw_blue(colour[i] << 8) - draw_blue(c), off = r * r + g * g + b * b;
        if (off >= least) continue;
        least = off;
        best = i;
    }
    return best;
}

/* `first` is 30 for ink and 40 for the ground. */
static void put_colour(const struct cells *s, struct buf *out, int first, uint32_t c) {
    if (!c) {
        buf_printf(out, "\033[%dm", first + 9);
    } else if (s->colours > 256) {
        buf_printf(out, "\033[%d;2;%d;%d;%dm", first + 8, draw_red(c), draw_green(c), draw_blue(c));
    } else if (s->colours > 16) {
        buf_printf(out, "\033[%d;5;%dm", first + 8, index_256(c));
    } else {
        int i = index_16(c);
        buf_printf(out, "\033[%dm", (i < 8 ? first : first + 52) + i);
    }
}

static void put_row(const struct cells *s, const struct cell *row, struct buf *out) {
    struct shown before = {0};
    int blanks = 0;
    for (int i = 0; i < s->columns; i++) {
        struct shown now = s->colours ? shown_of(&row[i]) : shade_of(&row[i]);
        if (now.code == ' ' && !now.ground && !before.ground) {
            blanks++;
            continue;
        }
        for (; blanks; blanks--) buf_putc(out, ' ');
        if (now.code == ' ') now.ink = before.ink;
        if (now.ink != before.ink) put_colour(s, out, 30, now.ink);
        if (now.ground != before.ground) put_colour(s, out, 40, now.ground);
        put_code(out, now.code);
        before = now;
    }
    if (before.ink || before.ground) buf_puts(out, "\033[0m");
}

enum status draw_cells(const struct drawing *d, int colours, struct buf *out, struct err *e) {
    struct cells s = {.drawing = d, .colours = colours};
    s.columns = (int)ceil(d->width / DRAW_CHAR_WIDTH);
    s.rows = (int)ceil(d->height / DRAW_CHAR_HEIGHT);
    s.cell = mem_zalloc(sizeof *s.cell * (size_t)s.columns * (size_t)s.rows, e);
    if (s.cell && cover_open(&s.cover, s.columns, 2 * s.rows, e) == OK)
        for (size_t i = 0; i < drawing_count(d) && e->status == OK; i++) paint_item(&s, drawing_item(d, i), e);
    for (int row = 0; row < s.rows && e->status == OK; row++) {
        if (row) buf_putc(out, '\n');
        put_row(&s, s.cell + (size_t)row * (size_t)s.columns, out);
    }
    cover_free(&s.cover);
    mem_free(s.cell);
    return e->status ? e->status : buf_status(out, e);
}
