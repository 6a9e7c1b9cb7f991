/* core.drawing(width, height): a drawing (draw/draw.h), on which lua/plot composes figures. */
#include <math.h>

#include "bind/internal.h"
#include "draw/draw.h"

#define BIND_DRAWING "celda.drawing"

static struct drawing *drawing_of(lua_State *L) {
    return bind_unbox(L, 1, BIND_DRAWING);
}

static int new_drawing(lua_State *L) {
    struct err e = {0};
    double width = luaL_checknumber(L, 1), height = luaL_checknumber(L, 2);
    void **box = bind_box(L, BIND_DRAWING);
    bind_made(L, box, drawing_new(width, height, (struct drawing **)box, &e), &e);
    return 1;
}

static int close_drawing(lua_State *L) {
    drawing_free(bind_take(L, BIND_DRAWING));
    return 0;
}

static int add(lua_State *L, const struct draw_item *item, const double *points, size_t count, const void *bytes,
               size_t n) {
    struct err e = {0};
    bind_check(L, drawing_add(drawing_of(L), item, points, count, bytes, n, &e), &e);
    return 0;
}

static uint32_t colour_at(lua_State *L, int index) {
    return (uint32_t)luaL_checkinteger(L, index);
}

/* A list x1, y1, x2, y2, ... as an array in a userdata that is pushed. */
static const double *push_points(lua_State *L, int index, size_t *count) {
    luaL_checktype(L, index, LUA_TTABLE);
    size_t n = lua_rawlen(L, index) / 2 * 2;
    double *points = lua_newuserdatauv(L, (n + 1) * sizeof *points, 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        points[i] = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
    *count = n / 2;
    return points;
}

/* d:line(points, colour, width[, dash]) */
static int draw_line(lua_State *L) {
    size_t n;
    lua_settop(L, 5);
    const double *points = push_points(L, 2, &n);
    struct draw_item item = {.kind = DRAW_LINE, .colour = colour_at(L, 3), .size = luaL_checknumber(L, 4)};
    item.dash = luaL_optnumber(L, 5, 0);
    return add(L, &item, points, n, "", 0);
}

/* d:area(points, colour) */
static int draw_area(lua_State *L) {
    size_t n;
    const double *points = push_points(L, 2, &n);
    struct draw_item item = {.kind = DRAW_AREA, .colour = colour_at(L, 3)};
    return add(L, &item, points, n, "", 0);
}

/* d:marks(points, colour, radius) */
static int draw_marks(lua_State *L) {
    size_t n;
    const double *points = push_points(L, 2, &n);
    struct draw_item item = {.kind = DRAW_MARKS, .colour = colour_at(L, 3), .size = luaL_checknumber(L, 4)};
    return add(L, &item, points, n, "", 0);
}

/* d:text(x, y, text, colour[, align = "left", vertical = false]) */
static int draw_text(lua_State *L) {
    static const char *const align[] = {"left", "centre", "right", NULL};
    size_t n;
    double at[2] = {luaL_checknumber(L, 2), luaL_checknumber(L, 3)};
    const char *text = luaL_checklstring(L, 4, &n);
    struct draw_item item = {.kind = DRAW_TEXT, .colour = colour_at(L, 5)};
    item.align = (enum draw_align)luaL_checkoption(L, 6, "left", align);
    item.vertical = lua_toboolean(L, 7);
    return add(L, &item, at, 1, text, n);
}

/* Pushes a userdata with the colours of a list. */
static const uint32_t *push_stops(lua_State *L, int index, size_t *n) {
    luaL_checktype(L, index, LUA_TTABLE);
    *n = lua_rawlen(L, index);
    uint32_t *stops = lua_newuserdatauv(L, (*n + 1) * sizeof *stops, 0);
    for (size_t i = 0; i < *n; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        stops[i] = (uint32_t)lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    return stops;
}

static uint8_t byte_of(double v) {
    return v >= 255 ? 255 : v > 0 ? (uint8_t)lround(v) : 0;
}

static void colour_pixels(uint8_t *rgb, const double *value, size_t n, const uint32_t *stops, size_t count, double low,
                          double high) {
    for (size_t i = 0; i < n; i++) {
        uint32_t c = draw_colour_at(stops, count, high > low ? (value[i] - low) / (high - low) : value[i] - low);
        for (int k = 0; k < 3; k++) rgb[3 * i + (size_t)k] = (uint8_t)(c >> (24 - 8 * k));
    }
}

/* d:image(x, y, width, height, pixels[, colours, low, high]): a tensor of rows x columns x 3 in 0..255, or of rows x
 * columns, whose values low..high take the colours of a list. */
static int draw_image(lua_State *L) {
    double box[4];
    char text[256];
    struct err e = {0};
    for (int i = 0; i < 4; i++) box[i] = luaL_checknumber(L, 2 + i);
    struct tensor *x = bind_tensor_as(L, 6, DT_FLOAT64);
    bool flat = x->shape.rank == 2, rgb = x->shape.rank == 3 && x->shape.dim[2] == 3;
    if (!flat && !rgb)
        return bind_raise(L, ERR_VALUE, "an image has shape (rows, columns) or (rows, columns, 3), not %s",
                          shape_text(&x->shape, text, sizeof text));
    if (x->shape.dim[0] > DRAW_MAX_SIZE || x->shape.dim[1] > DRAW_MAX_SIZE)
        return bind_raise(L, ERR_VALUE, "an image of shape %s is too large: %d pixels a side at most",
                          shape_text(&x->shape, text, sizeof text), DRAW_MAX_SIZE);
    double *value = lua_newuserdatauv(L, tensor_bytes(x) + 1, 0);
    bind_check(L, tensor_read(x, value, &e), &e);
    size_t n = (size_t)(x->shape.dim[0] * x->shape.dim[1]), stop_count;
    uint8_t *pixels = lua_newuserdatauv(L, 3 * n + 1, 0);
    for (size_t i = 0; rgb && i < 3 * n; i++) pixels[i] = byte_of(value[i]);
    if (flat) {
        const uint32_t *stops = push_stops(L, 7, &stop_count);
        colour_pixels(pixels, value, n, stops, stop_count, luaL_checknumber(L, 8), luaL_checknumber(L, 9));
    }
    struct draw_item item = {.kind = DRAW_IMAGE, .rows = (int)x->shape.dim[0], .columns = (int)x->shape.dim[1]};
    return add(L, &item, box, 2, pixels, 3 * n);
}

/* d:clip([x, y, width, height]): of what is added from now on; all of the drawing without arguments. */
static int draw_clip(lua_State *L) {
    struct drawing *d = drawing_of(L);
    d->clip = (struct draw_box){luaL_optnumber(L, 2, 0), luaL_optnumber(L, 3, 0), luaL_optnumber(L, 4, d->width),
                                luaL_optnumber(L, 5, d->height)};
    return 0;
}

/* ---- writers ------------------------------------------------------------------------------------------------------- */

static enum status write_png(const struct drawing *d, int scale, struct buf *out, struct err *e) {
    struct draw_pixels pixels;
    if (draw_raster(d, scale, &pixels, e)) return e->status;
    draw_png(&pixels, out, e);
    draw_pixels_free(&pixels);
    return e->status;
}

/* d:png([scale = 1]): the bytes of a file. */
static int drawing_png(lua_State *L) {
    struct err e = {0};
    const struct drawing *d = drawing_of(L);
    lua_Integer scale = luaL_optinteger(L, 2, 1);
    luaL_argcheck(L, scale >= 1 && scale <= 4, 2, "the scale must be in 1..4");
    struct buf *out = bind_new_buf(L);
    bind_check(L, write_png(d, (int)scale, out, &e), &e);
    return bind_push_buf(L, out);
}

static int drawing_svg(lua_State *L) {
    struct err e = {0};
    const struct drawing *d = drawing_of(L);
    struct buf *out = bind_new_buf(L);
    bind_check(L, draw_svg(d, out, &e), &e);
    return bind_push_buf(L, out);
}

/* d:cells([colours = 0]): lines of text. */
static int drawing_cells(lua_State *L) {
    struct err e = {0};
    const struct drawing *d = drawing_of(L);
    int colours = (int)luaL_optinteger(L, 2, 0);
    struct buf *out = bind_new_buf(L);
    bind_check(L, draw_cells(d, colours, out, &e), &e);
    return bind_push_buf(L, out);
}

void bind_open_draw(lua_State *L, int core) {
    static const luaL_Reg events[] = {{NULL, NULL}};
    static const luaL_Reg methods[] = {{"line", draw_line},  {"area", draw_area},   {"marks", draw_marks},
                                       {"text", draw_text},  {"image", draw_image}, {"clip", draw_clip},
                                       {"png", drawing_png}, {"svg", drawing_svg},  {"cells", drawing_cells},
                                       {NULL, NULL}};
    static const char *const types[] = {BIND_DRAWING, NULL};
    bind_new_type(L, BIND_DRAWING, events, close_drawing);
    luaL_newlib(L, methods);
    bind_methods(L, "drawing", types);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, new_drawing);
    lua_setfield(L, core, "drawing");
}
