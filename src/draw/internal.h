/* What the files of draw/ share: an item's points, coverage, glyphs. */
#ifndef DRAW_INTERNAL_H
#define DRAW_INTERNAL_H

#include "draw/draw.h"

static inline uint8_t draw_red(uint32_t colour) {
    return (uint8_t)(colour >> 24);
}
static inline uint8_t draw_green(uint32_t colour) {
    return (uint8_t)(colour >> 16);
}
static inline uint8_t draw_blue(uint32_t colour) {
    return (uint8_t)(colour >> 8);
}
static inline double draw_alpha(uint32_t colour) {
    return (colour & 255) / 255.0;
}
/* `over` on opaque `under`, as much as `share` of it covers: opaque. */
uint32_t draw_blend(uint32_t under, uint32_t over, double share);

struct draw_point {
    double x, y;
};
/* The points of an item: item->count of them. */
const struct draw_point *draw_points(const struct drawing *d, const struct draw_item *item);
/* The text or pixels of an item. */
const char *draw_bytes(const struct drawing *d, const struct draw_item *item);
/* The box of an image. */
struct draw_box draw_box_of(const struct drawing *d, const struct draw_item *item);
/* The mean colour of an image's pixels that lie under a box on the paper: the nearest one where it is smaller than they. */
uint32_t draw_image_colour(const struct drawing *d, const struct draw_item *image, const struct draw_box *under);
/* The next code point of UTF-8 text, which ends with a NUL; U+FFFD for a byte that is none. */
uint32_t draw_next_code(const char **text);
size_t draw_code_count(const char *text);

/* Calls `piece` for each straight piece of a line that is to be seen: from point to point, or dash by dash. */
typedef void draw_piece_fn(void *arg, struct draw_point from, struct draw_point to);
void draw_each_piece(const struct drawing *d, const struct draw_item *line, draw_piece_fn *piece, void *arg);

/* ---- coverage: which share of each pixel a shape covers ------------------------------------------------------------- */

struct cover {
    int width, height, top, bottom; /* rows top..bottom-1 were touched */
    float *sum;                     /* (width + 2) a row: changes of coverage from one pixel to the next */
};
enum status cover_open(struct cover *c, int width, int height, struct err *e);
void cover_free(struct cover *c);
/* A polygon in pixels; those that turn the same way add up. */
void cover_polygon(struct cover *c, const struct draw_point *p, size_t n);
/* The same, turned so that it adds up with its like: for strokes and discs, which are convex. */
void cover_convex(struct cover *c, const struct draw_point *p, size_t n);
/* Calls `paint` for every pixel that is covered, with the share in 0..1, and clears. */
typedef void cover_paint_fn(void *arg, int x, int y, double share);
void cover_paint(struct cover *c, cover_paint_fn *paint, void *arg);

/* ---- font ---------------------------------------------------------------------------------------------------------- */

enum { DRAW_GLYPH_ROWS = 13 };
struct draw_glyph {
    uint32_t code;
    uint8_t row[DRAW_GLYPH_ROWS];
};
/* Never NULL. */
const struct draw_glyph *draw_glyph_of(uint32_t code);

#endif
