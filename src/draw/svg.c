/* A drawing as SVG 1.1. Texts stay texts, in whatever sans-serif font the viewer has; images travel inside as PNG. */
#include <math.h>

#include "base/base64.h"
#include "draw/internal.h"

struct svg {
    const struct drawing *drawing;
    struct buf *out;
    struct draw_box clip; /* that holds now */
    int clips;
    bool grouped; /* a <g> of that clip is open */
};

static void put_colour(struct buf *out, const char *attribute, uint32_t colour) {
    buf_printf(out, " %s=\"#%06x\"", attribute, (unsigned)(colour >> 8));
    if ((colour & 255) != 255) buf_printf(out, " %s-opacity=\"%.3g\"", attribute, draw_alpha(colour));
}

static void put_escaped(struct buf *out, const char *text) {
    for (; *text; text++) {
        if (*text == '<')
            buf_puts(out, "&lt;");
        else if (*text == '&')
            buf_puts(out, "&amp;");
        else if ((unsigned char)*text >= 32)
            buf_putc(out, *text);
    }
}

/* A path through the finite points; after one that is not, a line begins anew and an area goes on. */
static void put_path(struct svg *s, const struct draw_item *item) {
    const struct draw_point *p = draw_points(s->drawing, item);
    bool pen_down = false;
    buf_puts(s->out, "<path d=\"");
    for (size_t i = 0; i < item->count; i++) {
        bool finite = isfinite(p[i].x) && isfinite(p[i].y);
        if (finite) buf_printf(s->out, "%c%.2f %.2f", pen_down ? 'L' : 'M', p[i].x, p[i].y);
        pen_down = finite || (pen_down && item->kind == DRAW_AREA);
    }
    buf_puts(s->out, item->kind == DRAW_AREA ? "Z\"" : "\" fill=\"none\" stroke-linejoin=\"round\"");
    put_colour(s->out, item->kind == DRAW_AREA ? "fill" : "stroke", item->colour);
    if (item->kind == DRAW_LINE) buf_printf(s->out, " stroke-width=\"%.4g\"", item->size);
    if (item->dash > 0) buf_printf(s->out, " stroke-dasharray=\"%.4g\"", item->dash);
    buf_puts(s->out, "/>\n");
}

static void put_marks(struct svg *s, const struct draw_item *item) {
    const struct draw_point *p = draw_points(s->drawing, item);
    buf_puts(s->out, "<g");
    put_colour(s->out, "fill", item->colour);
    buf_puts(s->out, ">\n");
    for (size_t i = 0; i < item->count; i++)
        if (isfinite(p[i].x) && isfinite(p[i].y))
            buf_printf(s->out, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"%.4g\"/>\n", p[i].x, p[i].y, item->size);
    buf_puts(s->out, "</g>\n");
}

static void put_text(struct svg *s, const struct draw_item *item) {
    static const char *const anchor[] = {"start", "middle", "end"};
    const struct draw_point p = *draw_points(s->drawing, item);
    double x = item->vertical ? p.x + 4.5 : p.x, y = item->vertical ? p.y : p.y + 4.5; /* half a capital's height */
    buf_printf(s->out, "<text x=\"%.2f\" y=\"%.2f\" text-anchor=\"%s\"", x, y, anchor[item->align]);
    if (item->vertical) buf_printf(s->out, " transform=\"rotate(-90 %.2f %.2f)\"", x, y);
    put_colour(s->out, "fill", item->colour);
    buf_puts(s->out, ">");
    put_escaped(s->out, draw_bytes(s->drawing, item));
    buf_puts(s->out, "</text>\n");
}

static enum status put_image(struct svg *s, const struct draw_item *item, struct err *e) {
    struct draw_box box = draw_box_of(s->drawing, item);
    struct draw_pixels pixels = {item->columns, item->rows, (uint8_t *)draw_bytes(s->drawing, item)};
    struct buf png = {0};
    if (draw_png(&pixels, &png, e) == OK) {
        buf_printf(s->out, "<image x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" preserveAspectRatio=\"none\" ",
                   box.x, box.y, box.width, box.height);
        buf_puts(s->out, "style=\"image-rendering:pixelated\" xlink:href=\"data:image/png;base64,");
        base64_encode(png.data, png.len, s->out);
        buf_puts(s->out, "\"/>\n");
    }
    buf_free(&png);
    return e->status;
}

static void end_clip(struct svg *s) {
    if (s->grouped) buf_puts(s->out, "</g>\n");
    s->grouped = false;
}

static bool same_box(const struct draw_box *a, const struct draw_box *b) {
    return a->x == b->x && a->y == b->y && a->width == b->width && a->height == b->height;
}

static void set_clip(struct svg *s, const struct draw_box *c) {
    if (same_box(c, &s->clip)) return;
    end_clip(s);
    s->clip = *c;
    s->grouped = c->width < s->drawing->width || c->height < s->drawing->height;
    if (!s->grouped) return;
    buf_printf(s->out,
               "<clipPath id=\"c%d\"><rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/></clipPath>\n"
               "<g clip-path=\"url(#c%d)\">\n",
               s->clips, c->x, c->y, c->width, c->height, s->clips);
    s->clips++;
}

static enum status put_item(struct svg *s, const struct draw_item *item, struct err *e) {
    set_clip(s, &item->clip);
    switch (item->kind) {
    case DRAW_LINE:
    case DRAW_AREA: put_path(s, item); break;
    case DRAW_MARKS: put_marks(s, item); break;
    case DRAW_TEXT: put_text(s, item); break;
    case DRAW_IMAGE: return put_image(s, item, e);
    }
    return OK;
}

enum status draw_svg(const struct drawing *d, struct buf *out, struct err *e) {
    struct svg s = {.drawing = d, .out = out};
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" "
               "width=\"%g\" height=\"%g\" viewBox=\"0 0 %g %g\" font-family=\"sans-serif\" font-size=\"13\">\n"
               "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
               d->width, d->height, d->width, d->height);
    for (size_t i = 0; i < drawing_count(d); i++)
        if (put_item(&s, drawing_item(d, i), e)) return e->status;
    end_clip(&s);
    buf_puts(out, "</svg>\n");
    return buf_status(out, e);
}
