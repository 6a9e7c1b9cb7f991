/* Pictures. A drawing is a list of lines, areas, marks, texts and images on a sheet of white paper; writers turn the same
 * list into pixels (PNG), SVG, or the cells of a terminal. x goes right and y down, in units: a pixel of the PNG at scale 1.
 * A character of text takes DRAW_CHAR_WIDTH x DRAW_CHAR_HEIGHT of them, so that one layout serves pixels and cells. */
#ifndef DRAW_DRAW_H
#define DRAW_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { DRAW_CHAR_WIDTH = 8, DRAW_CHAR_HEIGHT = 16 };

/* ---- drawing ------------------------------------------------------------------------------------------------------- */

enum draw_kind {
    DRAW_LINE,  /* through points, `size` units wide */
    DRAW_AREA,  /* a closed polygon; where it covers itself twice it is filled once */
    DRAW_MARKS, /* discs of radius `size` around points */
    DRAW_TEXT, /* one line of UTF-8, centred vertically on its point, or (vertical) read from below and centred there */
    DRAW_IMAGE, /* rows x columns RGB pixels, top row first, in a box */
};

enum draw_align { DRAW_LEFT, DRAW_CENTRE, DRAW_RIGHT };

struct draw_box {
    double x, y, width, height;
};

struct draw_item {
    enum draw_kind kind;
    uint32_t colour; /* 0xRRGGBBAA */
    double size;
    double dash; /* DRAW_LINE: units of a dash, and of a gap; 0: solid */
    enum draw_align align;
    bool vertical;
    int columns, rows;    /* DRAW_IMAGE */
    struct draw_box clip; /* nothing is drawn outside */
    size_t points, count; /* x, y pairs: where they begin in the drawing's numbers, and how many; a box is two pairs */
    size_t bytes, size_of_bytes; /* text or pixels, in the drawing's bytes */
};

struct drawing {
    double width, height;
    struct draw_box clip; /* of the items that come */
    struct buf items, numbers, bytes;
};

/* Width and height in 1..DRAW_MAX_SIZE; the drawing is empty, and the clip is all of it. */
#define DRAW_MAX_SIZE 20000
enum status drawing_new(double width, double height, struct drawing **out, struct err *e);
void drawing_free(struct drawing *d);
/* Adds an item: kind, colour and what its kind needs are set in `style`; points and bytes are copied. Points that are
 * not finite break a line and are left out of marks and areas. ERR_VALUE where the kind lacks something. */
enum status drawing_add(struct drawing *d, const struct draw_item *style, const double *points, size_t count,
                        const void *bytes, size_t size_of_bytes, struct err *e);
size_t drawing_count(const struct drawing *d);
const struct draw_item *drawing_item(const struct drawing *d, size_t i);

/* ---- colours ------------------------------------------------------------------------------------------------------- */

/* The colour at `t` in 0..1 of `count` stops at equal distances; the first or last outside, and for NaN white. */
uint32_t draw_colour_at(const uint32_t *stops, size_t count, double t);

/* ---- writers ------------------------------------------------------------------------------------------------------- */

struct draw_pixels {
    int width, height;
    uint8_t *rgb; /* top row first */
};

/* Anti-aliased, `scale` pixels a unit (1 or 2). The caller frees out. */
enum status draw_raster(const struct drawing *d, int scale, struct draw_pixels *out, struct err *e);
void draw_pixels_free(struct draw_pixels *p);

enum status draw_png(const struct draw_pixels *p, struct buf *out, struct err *e);
/* The pixels of a PNG file's bytes, over white where they are transparent. The caller frees out. */
enum status draw_read_png(const void *bytes, size_t n, struct draw_pixels *out, struct err *e);
enum status draw_svg(const struct drawing *d, struct buf *out, struct err *e);

/* Lines of text, DRAW_CHAR_WIDTH x DRAW_CHAR_HEIGHT units a cell: lines and marks as braille, areas and images as half
 * blocks, text as itself. `colours` a cell can have: 0 (no escapes at all: areas and images are shades), 16, 256, or
 * 1 << 24. Black is the terminal's own colour, and white paper its own ground. */
enum status draw_cells(const struct drawing *d, int colours, struct buf *out, struct err *e);

/* A PNG file as the kitty graphics protocol sends it: base64 in chunks, shown where the cursor is, as many columns wide as
 * its units are, `columns` at most. */
void draw_kitty(const void *png, size_t n, int columns, struct buf *out);
/* Pixels as sixels, in the 216 colours of a 6 x 6 x 6 cube. */
enum status draw_sixel(const struct draw_pixels *p, struct buf *out, struct err *e);

#endif
