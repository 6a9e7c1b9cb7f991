/* A drawing as pixels. Invariant: items are painted in the order they were added, each over what is there. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "draw/internal.h"

enum { DISC_SIDES = 16 };

struct raster {
    const struct drawing *drawing;
    struct draw_pixels *pixels;
    double scale;
    struct cover cover;
    const struct draw_item *item; /* that is being painted */
    double half;                  /* half the width of the line, in pixels */
    int x0, y0, x1, y1;           /* the item's clip, in pixels */
};

void draw_pixels_free(struct draw_pixels *p) {
    mem_free(p->rgb);
    p->rgb = NULL;
}

/* ---- pixels -------------------------------------------------------------------------------------------------------- */

static void put(const struct raster *r, int x, int y, uint32_t colour, double share) {
    if (x < r->x0 || y < r->y0 || x >= r->x1 || y >= r->y1) return;
    uint8_t *p = r->pixels->rgb + ((size_t)y * (size_t)r->pixels->width + (size_t)x) * 3;
    uint32_t under = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | 255;
    uint32_t mixed = draw_blend(under, colour, share);
    p[0] = draw_red(mixed);
    p[1] = draw_green(mixed);
    p[2] = draw_blue(mixed);
}

static void paint_pixel(void *arg, int x, int y, double share) {
    const struct raster *r = arg;
    put(r, x, y, r->item->colour, share);
}

static int limit(double v, int most) {
    return v < 0 ? 0 : v > most ? most : (int)v;
}

static void set_clip(struct raster *r) {
    const struct draw_box *c = &r->item->clip;
    r->x0 = limit(floor(c->x * r->scale + 0.5), r->pixels->width);
    r->y0 = limit(floor(c->y * r->scale + 0.5), r->pixels->height);
    r->x1 = limit(floor((c->x + c->width) * r->scale + 0.5), r->pixels->width);
    r->y1 = limit(floor((c->y + c->height) * r->scale + 0.5), r->pixels->height);
}

/* ---- shapes -------------------------------------------------------------------------------------------------------- */

static void cover_disc(struct raster *r, struct draw_point centre, double radius) {
    struct draw_point p[DISC_SIDES];
    for (int i = 0; i < DISC_SIDES; i++) {
        double angle = 2 * 3.14159265358979 * i / DISC_SIDES;
        p[i] = (struct draw_point){centre.x + radius * cos(angle), centre.y + radius * sin(angle)};
    }
    cover_convex(&r->cover, p, DISC_SIDES);
}

/* A piece of a line: a rectangle around it, and a disc at its end where it is wide enough for a gap to show. */
static void cover_piece(void *arg, struct draw_point a, struct draw_point b) {
    struct raster *r = arg;
    double s = r->scale, length = hypot(b.x - a.x, b.y - a.y);
    if (length == 0) return;
    double dx = (b.x - a.x) / length * r->half, dy = (b.y - a.y) / length * r->half;
    struct draw_point from = {a.x * s, a.y * s}, to = {b.x * s, b.y * s};
    const struct draw_point p[] = {
        {from.x - dy, from.y + dx}, {to.x - dy, to.y + dx}, {to.x + dy, to.y - dx}, {from.x + dy, from.y - dx}};
    cover_convex(&r->cover, p, 4);
    if (r->half > 0.75 && r->item->dash == 0) cover_disc(r, to, r->half);
}

static void paint_line(struct raster *r) {
    r->half = r->item->size * r->scale / 2;
    draw_each_piece(r->drawing, r->item, cover_piece, r);
    cover_paint(&r->cover, paint_pixel, r);
}

static void paint_marks(struct raster *r) {
    const struct draw_point *p = draw_points(r->drawing, r->item);
    for (size_t i = 0; i < r->item->count; i++) {
        if (!isfinite(p[i].x) || !isfinite(p[i].y)) continue;
        cover_disc(r, (struct draw_point){p[i].x * r->scale, p[i].y * r->scale}, r->item->size * r->scale);
        cover_paint(&r->cover, paint_pixel, r);
    }
}

static enum status paint_area(struct raster *r, struct err *e) {
    const struct draw_point *p = draw_points(r->drawing, r->item);
    struct draw_point *scaled = mem_alloc(sizeof *scaled * (r->item->count + 1), e);
    size_t n = 0;
    if (!scaled) return e->status;
    for (size_t i = 0; i < r->item->count; i++)
        if (isfinite(p[i].x) && isfinite(p[i].y))
            scaled[n++] = (struct draw_point){p[i].x * r->scale, p[i].y * r->scale};
    cover_polygon(&r->cover, scaled, n);
    cover_paint(&r->cover, paint_pixel, r);
    mem_free(scaled);
    return OK;
}

static void paint_image(struct raster *r) {
    struct draw_box box = draw_box_of(r->drawing, r->item);
    int x0 = (int)floor(box.x * r->scale + 0.5), x1 = (int)floor((box.x + box.width) * r->scale + 0.5);
    int y0 = (int)floor(box.y * r->scale + 0.5), y1 = (int)floor((box.y + box.height) * r->scale + 0.5);
    for (int y = y0 > r->y0 ? y0 : r->y0; y < y1 && y < r->y1; y++)
        for (int x = x0 > r->x0 ? x0 : r->x0; x < x1 && x < r->x1; x++) {
            struct draw_box under = {x / r->scale, y / r->scale, 1 / r->scale, 1 / r->scale};
            put(r, x, y, draw_image_colour(r->drawing, r->item, &under), 1);
        }
}

/* ---- text ---------------------------------------------------------------------------------------------------------- */

/* A glyph's pixel as a square of `s` pixels; vertical text is turned a quarter to the left. */
static void paint_dot(const struct raster *r, int x, int y, int along, int across, int s) {
    for (int i = 0; i < s * s; i++) {
        int dx = along * s + i % s, dy = across * s + i / s;
        put(r, r->item->vertical ? x + dy : x + dx, r->item->vertical ? y - 1 - dx : y + dy, r->item->colour, 1);
    }
}

static void paint_text(struct raster *r) {
    const struct draw_item *item = r->item;
    const struct draw_point at = *draw_points(r->drawing, item);
    const char *text = draw_bytes(r->drawing, item);
    int s = (int)r->scale, length = (int)draw_code_count(text) * DRAW_CHAR_WIDTH * s;
    int half = DRAW_GLYPH_ROWS * s / 2;
    int back = item->align == DRAW_LEFT ? 0 : item->align == DRAW_CENTRE ? length / 2 : length;
    int x = (int)floor(at.x * r->scale + 0.5) - (item->vertical ? half : back);
    int y = (int)floor(at.y * r->scale + 0.5) + (item->vertical ? back : -half);
    for (int n = 0; *text; n++) {
        const struct draw_glyph *g = draw_glyph_of(draw_next_code(&text));
        for (int row = 0; row < DRAW_GLYPH_ROWS; row++)
            for (int column = 0; column < DRAW_CHAR_WIDTH; column++)
                if (g->row[row] & (0x80 >> column)) paint_dot(r, x, y, n * DRAW_CHAR_WIDTH + column, row, s);
    }
}

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

static enum status paint_item(struct raster *r, const struct draw_item *item, struct err *e) {
    r->item = item;
    set_clip(r);
    switch (item->kind) {
    case DRAW_LINE: paint_line(r); break;
    case DRAW_AREA: return paint_area(r, e);
    case DRAW_MARKS: paint_marks(r); break;
    case DRAW_TEXT: paint_text(r); break;
    case DRAW_IMAGE: paint_image(r); break;
    }
    return OK;
}

enum status draw_raster(const struct drawing *d, int scale, struct draw_pixels *out, struct err *e) {
    *out = (struct draw_pixels){(int)ceil(d->width * scale), (int)ceil(d->height * scale), NULL};
    size_t bytes = (size_t)out->width * (size_t)out->height * 3;
    struct raster r = {.drawing = d, .pixels = out, .scale = scale};
    out->rgb = mem_alloc(bytes, e);
    if (!out->rgb) return e->status;
    memset(out->rgb, 255, bytes);
    if (cover_open(&r.cover, out->width, out->height, e) == OK)
        for (size_t i = 0; i < drawing_count(d) && e->status == OK; i++) paint_item(&r, drawing_item(d, i), e);
    cover_free(&r.cover);
    if (e->status) draw_pixels_free(out);
    return e->status;
}
