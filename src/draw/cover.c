/* Anti-aliasing by exact area: each edge of a polygon notes how much it covers of the pixels it crosses and of all to their
 * right; the running sum along a row is the coverage. Invariant: between shapes every sum is zero. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "draw/internal.h"

enum status cover_open(struct cover *c, int width, int height, struct err *e) {
    *c = (struct cover){.width = width, .height = height, .top = height};
    c->sum = mem_zalloc(sizeof *c->sum * (size_t)(width + 2) * (size_t)height, e);
    return c->sum ? OK : e->status;
}

void cover_free(struct cover *c) {
    mem_free(c->sum);
    c->sum = NULL;
}

static double clamp(double v, double low, double high) {
    return v < low ? low : v > high ? high : v;
}

/* The part of an edge that lies within one row, from column a to b: `part` of the row's height, signed by direction. */
static void cover_row(const struct cover *c, float *row, double a, double b, double part) {
    double left = clamp(a < b ? a : b, 0, c->width), right = clamp(a < b ? b : a, 0, c->width);
    double length = right - left;
    if (length < 1e-9) {
        int x = (int)left;
        row[x] += (float)(part * (1 - (left - x)));
        row[x + 1] += (float)(part * (left - x));
        return;
    }
    for (int x = (int)left; x < right; x++) {
        double from = left > x ? left : x, to = right < x + 1 ? right : x + 1;
        double share = part * (to - from) / length, middle = (from + to) / 2 - x;
        row[x] += (float)(share * (1 - middle));
        row[x + 1] += (float)(share * middle);
    }
}

static void cover_edge(struct cover *c, struct draw_point a, struct draw_point b) {
    double sign = 1;
    if (a.y > b.y) {
        struct draw_point swap = a;
        a = b;
        b = swap;
        sign = -1;
    }
    if (b.y <= 0 || a.y >= c->height || a.y == b.y) return;
    double slope = (b.x - a.x) / (b.y - a.y), low = clamp(a.y, 0, c->height), high = clamp(b.y, 0, c->height);
    int top = (int)low, bottom = (int)ceil(high);
    for (int y = top; y < bottom; y++) {
        double from = low > y ? low : y, to = high < y + 1 ? high : y + 1;
        cover_row(c, c->sum + (size_t)y * (size_t)(c->width + 2), a.x + (from - a.y) * slope, a.x + (to - a.y) * slope,
                  sign * (to - from));
    }
    if (top < c->top) c->top = top;
    if (bottom > c->bottom) c->bottom = bottom;
}

void cover_polygon(struct cover *c, const struct draw_point *p, size_t n) {
    for (size_t i = 0; i < n; i++) cover_edge(c, p[i], p[(i + 1) % n]);
}

void cover_convex(struct cover *c, const struct draw_point *p, size_t n) {
    double area = 0;
    for (size_t i = 0; i < n; i++) area += p[i].x * p[(i + 1) % n].y - p[(i + 1) % n].x * p[i].y;
    for (size_t i = 0; i < n; i++) cover_edge(c, p[area > 0 ? i : (i + 1) % n], p[area > 0 ? (i + 1) % n : i]);
}

void cover_paint(struct cover *c, cover_paint_fn *paint, void *arg) {
    for (int y = c->top; y < c->bottom; y++) {
        float *row = c->sum + (size_t)y * (size_t)(c->width + 2);
        double sum = 0;
        for (int x = 0; x < c->width; x++) {
            sum += row[x];
            double share = fabs(sum) > 1 ? 1 : fabs(sum);
            if (share > 1e-3) paint(arg, x, y, share);
        }
        memset(row, 0, sizeof *row * (size_t)(c->width + 2));
    }
    c->top = c->height;
    c->bottom = 0;
}
