/* A drawing: items over two growable pools, numbers and bytes. Invariant: an item that was added has all its kind needs,
 * and every box and size in it is finite. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "draw/internal.h"

enum status drawing_new(double width, double height, struct drawing **out, struct err *e) {
    if (!(width >= 1 && height >= 1 && width <= DRAW_MAX_SIZE && height <= DRAW_MAX_SIZE))
        return err_set(e, ERR_VALUE, "a picture of %g x %g: both must be in 1..%d", width, height, DRAW_MAX_SIZE);
    struct drawing *d = mem_zalloc(sizeof *d, e);
    if (!d) return e->status;
    d->width = width;
    d->height = height;
    d->clip = (struct draw_box){0, 0, width, height};
    *out = d;
    return OK;
}

void drawing_free(struct drawing *d) {
    if (!d) return;
    buf_free(&d->items);
    buf_free(&d->numbers);
    buf_free(&d->bytes);
    mem_free(d);
}

static enum status check(const struct draw_item *style, const double *points, size_t count, size_t size_of_bytes,
                         struct err *e) {
    bool placed = style->kind == DRAW_TEXT || style->kind == DRAW_IMAGE;
    size_t pairs = style->kind == DRAW_IMAGE ? 2 : 1;
    if (!isfinite(style->size) || style->size < 0 || !isfinite(style->dash) || style->dash < 0)
        return err_set(e, ERR_VALUE, "a drawing's widths must be finite and not negative");
    if (placed && count != pairs)
        return err_set(e, ERR_VALUE, "a text or image needs %zu points, not %zu", pairs, count);
    for (size_t i = 0; placed && i < 2 * count; i++)
        if (!isfinite(points[i])) return err_set(e, ERR_VALUE, "a text or image must be at a finite place");
    if (style->kind != DRAW_IMAGE) return OK;
    if (style->rows < 1 || style->columns < 1) return err_set(e, ERR_VALUE, "an image without pixels");
    if (size_of_bytes != (size_t)style->rows * (size_t)style->columns * 3)
        return err_set(e, ERR_VALUE, "an image of %d x %d pixels has %zu bytes", style->columns, style->rows,
                       size_of_bytes);
    return OK;
}

enum status drawing_add(struct drawing *d, const struct draw_item *style, const double *points, size_t count,
                        const void *bytes, size_t size_of_bytes, struct err *e) {
    struct draw_item item = *style;
    if (check(style, points, count, size_of_bytes, e)) return e->status;
    item.clip = d->clip;
    item.points = d->numbers.len / sizeof *points;
    item.count = count;
    item.bytes = d->bytes.len;
    item.size_of_bytes = size_of_bytes;
    buf_put(&d->numbers, points, 2 * count * sizeof *points);
    buf_put(&d->bytes, bytes, size_of_bytes);
    buf_putc(&d->bytes, 0);
    if (buf_status(&d->numbers, e) == OK && buf_status(&d->bytes, e) == OK) buf_put(&d->items, &item, sizeof item);
    return e->status ? e->status : buf_status(&d->items, e);
}

size_t drawing_count(const struct drawing *d) {
    return d->items.len / sizeof(struct draw_item);
}

const struct draw_item *drawing_item(const struct drawing *d, size_t i) {
    return (const struct draw_item *)(const void *)d->items.data + i;
}

const struct draw_point *draw_points(const struct drawing *d, const struct draw_item *item) {
    const double *numbers = (const double *)(const void *)d->numbers.data;
    return (const struct draw_point *)(const void *)(numbers + item->points);
}

const char *draw_bytes(const struct drawing *d, const struct draw_item *item) {
    return d->bytes.data + item->bytes;
}

struct draw_box draw_box_of(const struct drawing *d, const struct draw_item *item) {
    const struct draw_point *p = draw_points(d, item);
    return (struct draw_box){p[0].x, p[0].y, p[1].x, p[1].y};
}

/* ---- lines --------------------------------------------------------------------------------------------------------- */

static struct draw_point between(struct draw_point a, struct draw_point b, double t) {
    return (struct draw_point){a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t};
}

/* The dashes from a to b; *at is how far into dash and gap the line is. */
static void each_dash(struct draw_point a, struct draw_point b, double dash, double *at, draw_piece_fn *piece,
                      void *arg) {
    double length = hypot(b.x - a.x, b.y - a.y);
    for (double done = 0; done < length;) {
        double step = (*at < dash ? dash : 2 * dash) - *at;
        if (step > length - done) step = length - done;
        if (*at < dash) piece(arg, between(a, b, done / length), between(a, b, (done + step) / length));
        done += step;
        *at = *at + step >= 2 * dash - 1e-9 ? 0 : *at + step;
        if (step < 1e-9) break;
    }
}

void draw_each_piece(const struct drawing *d, const struct draw_item *line, draw_piece_fn *piece, void *arg) {
    const struct draw_point *p = draw_points(d, line);
    double at = 0;
    for (size_t i = 1; i < line->count; i++) {
        bool whole = isfinite(p[i - 1].x) && isfinite(p[i - 1].y) && isfinite(p[i].x) && isfinite(p[i].y);
        if (whole && line->dash > 0)
            each_dash(p[i - 1], p[i], line->dash, &at, piece, arg);
        else if (whole)
            piece(arg, p[i - 1], p[i]);
    }
}

/* ---- images and colours --------------------------------------------------------------------------------------------- */

static uint32_t pack(double r, double g, double b) {
    return (uint32_t)(r + 0.5) << 24 | (uint32_t)(g + 0.5) << 16 | (uint32_t)(b + 0.5) << 8 | 255;
}

uint32_t draw_blend(uint32_t under, uint32_t over, double share) {
    double a = share * draw_alpha(over), b = 1 - a;
    return pack(draw_red(under) * b + draw_red(over) * a, draw_green(under) * b + draw_green(over) * a,
                draw_blue(under) * b + draw_blue(over) * a);
}

/* The pixels [*from, *to) of `n` that lie under the stretch a..b of an axis from `start`, `length` long: at least one. */
static void pixels_under(double a, double b, double start, double length, int n, int *from, int *to) {
    double first = (a - start) / length * n, last = (b - start) / length * n;
    if (last - first <= 1) first = last = (first + last) / 2; /* the nearest one */
    *from = first < 0 ? 0 : first >= n ? n - 1 : (int)first;
    *to = last >= n ? n : (int)ceil(last);
    if (*to <= *from) *to = *from + 1;
}

uint32_t draw_image_colour(const struct drawing *d, const struct draw_item *image, const struct draw_box *under) {
    struct draw_box box = draw_box_of(d, image);
    const uint8_t *rgb = (const uint8_t *)draw_bytes(d, image);
    int x0, x1, y0, y1;
    double sum[3] = {0};
    pixels_under(under->x, under->x + under->width, box.x, box.width, image->columns, &x0, &x1);
    pixels_under(under->y, under->y + under->height, box.y, box.height, image->rows, &y0, &y1);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            for (int c = 0; c < 3; c++) sum[c] += rgb[((size_t)y * (size_t)image->columns + (size_t)x) * 3 + (size_t)c];
    double n = (double)(x1 - x0) * (y1 - y0);
    return pack(sum[0] / n, sum[1] / n, sum[2] / n);
}

uint32_t draw_colour_at(const uint32_t *stops, size_t count, double t) {
    if (isnan(t) || count == 0) return 0xffffffff;
    if (t <= 0 || count == 1) return stops[0] | 255;
    if (t >= 1) return stops[count - 1] | 255;
    double at = t * (double)(count - 1);
    size_t i = (size_t)at;
    return draw_blend(stops[i] | 255, stops[i + 1] | 255, at - (double)i);
}

/* ---- text ---------------------------------------------------------------------------------------------------------- */

uint32_t draw_next_code(const char **text) {
    const unsigned char *s = (const unsigned char *)*text;
    int more = s[0] < 0x80 ? 0 : s[0] >= 0xf0 && s[0] < 0xf8 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : -1;
    if (s[0] >= 0xf8) more = -1;
    uint32_t code = more == 0 ? s[0] : more > 0 ? s[0] & (0x3fu >> more) : 0xfffd;
    (*text)++;
    for (int i = 1; i <= more; i++, (*text)++) {
        if ((s[i] & 0xc0) != 0x80) return 0xfffd;
        code = code << 6 | (s[i] & 0x3f);
    }
    return code;
}

size_t draw_code_count(const char *text) {
    size_t n = 0;
    for (; *text; n++) draw_next_code(&text);
    return n;
}
