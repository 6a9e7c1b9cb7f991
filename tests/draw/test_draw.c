/* Drawings: coverage is exact, every kind of item reaches pixels, SVG and cells, and nothing leaks when memory ends. */
#include "draw/draw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "draw/internal.h"
#include "support/test.h"

static struct drawing *new_drawing(double width, double height) {
    struct err e = {0};
    struct drawing *d;
    assert_ok(drawing_new(width, height, &d, &e), &e);
    return d;
}

static void add(struct drawing *d, struct draw_item style, const double *points, size_t n, const char *text) {
    struct err e = {0};
    assert_ok(drawing_add(d, &style, points, n, text, strlen(text), &e), &e);
}

#define POINTS(...) (const double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / 2 / sizeof(double)

static int red_at(const struct draw_pixels *p, int x, int y) {
    return p->rgb[(y * p->width + x) * 3];
}

static void test_coverage(void **state) {
    struct drawing *d = new_drawing(4, 2);
    struct draw_pixels p;
    struct err e = {0};
    (void)state;
    add(d, (struct draw_item){.kind = DRAW_AREA, .colour = 0x000000ff}, POINTS(0.5, 0, 3, 0, 3, 1.25, 0.5, 1.25), "");
    assert_ok(draw_raster(d, 1, &p, &e), &e);
    assert_int_equal(red_at(&p, 0, 0), 128);
    assert_int_equal(red_at(&p, 1, 0), 0);
    assert_int_equal(red_at(&p, 2, 0), 0);
    assert_int_equal(red_at(&p, 3, 0), 255);
    assert_int_equal(red_at(&p, 1, 1), 191);
    draw_pixels_free(&p);
    drawing_free(d);
}

static void test_coverage_beyond_the_edges(void **state) {
    struct drawing *d = new_drawing(3, 3);
    struct draw_pixels p;
    struct err e = {0};
    (void)state;
    add(d, (struct draw_item){.kind = DRAW_AREA, .colour = 0x000000ff}, POINTS(-9, -9, 99, -9, 99, 99, -9, 99), "");
    assert_ok(draw_raster(d, 2, &p, &e), &e);
    assert_int_equal(p.width, 6);
    for (int i = 0; i < 36; i++) assert_int_equal(p.rgb[3 * i], 0);
    draw_pixels_free(&p);
    drawing_free(d);
}

/* One of each kind. */
static struct drawing *sample(void) {
    struct drawing *d = new_drawing(96, 64);
    static const char pixels[] = "\377\000\000\000\377\000\000\000\377\377\377\377";
    struct draw_item image = {.kind = DRAW_IMAGE, .rows = 2, .columns = 2};
    struct err e = {0};
    add(d, (struct draw_item){.kind = DRAW_AREA, .colour = 0x1f77b4ff}, POINTS(8, 16, 24, 16, 24, 48, 8, 48), "");
    add(d, (struct draw_item){.kind = DRAW_LINE, .colour = 0xd62728ff, .size = 2}, POINTS(32, 60, 64, 20, 90, 60), "");
    add(d, (struct draw_item){.kind = DRAW_LINE, .colour = 0x000000ff, .size = 1, .dash = 4},
        POINTS(2, 62, 40, 62, NAN, 62, 50, 62, 94, 62), "");
    add(d, (struct draw_item){.kind = DRAW_MARKS, .colour = 0x2ca02c80, .size = 3}, POINTS(70, 20, NAN, 1, 84, 20), "");
    add(d, (struct draw_item){.kind = DRAW_TEXT, .colour = 0x000000ff, .align = DRAW_CENTRE}, POINTS(48, 8),
        "A<b & \xc3\xa9");
    add(d, (struct draw_item){.kind = DRAW_TEXT, .colour = 0x000000ff, .align = DRAW_CENTRE, .vertical = true},
        POINTS(4, 32), "up");
    assert_ok(drawing_add(d, &image, (const double[]){72, 32, 16, 16}, 2, pixels, 12, &e), &e);
    return d;
}

/* Holds bytes against tests/golden/plot/NAME; CELDA_GOLDEN=write writes it anew. */
static void check_golden(const char *name, const struct buf *got) {
    char path[128];
    struct buf expected = {0};
    struct err e = {0};
    snprintf(path, sizeof path, "tests/golden/plot/%s", name);
    if (getenv("CELDA_GOLDEN")) {
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(got->data, 1, got->len, f), got->len);
        assert_int_equal(fclose(f), 0);
    }
    assert_ok(buf_read_file(&expected, path, &e), &e);
    assert_int_equal(got->len, expected.len);
    assert_memory_equal(got->data, expected.data, got->len);
    buf_free(&expected);
}

/* The pixels, not the file's bytes, which depend on zlib. */
static void test_png(void **state) {
    struct drawing *d = sample();
    struct draw_pixels p, back;
    struct buf png = {0}, file = {0};
    struct err e = {0};
    (void)state;
    assert_ok(draw_raster(d, 1, &p, &e), &e);
    assert_ok(draw_png(&p, &png, &e), &e);
    if (getenv("CELDA_GOLDEN")) check_golden("sample.png", &png);
    assert_ok(draw_read_png(png.data, png.len, &back, &e), &e);
    assert_memory_equal(p.rgb, back.rgb, 96 * 64 * 3);
    draw_pixels_free(&back);
    assert_ok(buf_read_file(&file, "tests/golden/plot/sample.png", &e), &e);
    assert_ok(draw_read_png(file.data, file.len, &back, &e), &e);
    assert_int_equal(back.width, 96);
    for (int i = 0; i < 96 * 64 * 3; i++) assert_in_range(abs(back.rgb[i] - p.rgb[i]), 0, 1);
    draw_pixels_free(&back);
    assert_error(draw_read_png("no PNG", 6, &back, &e), ERR_IO, "cannot read the PNG", &e);
    assert_error(draw_read_png(file.data, file.len / 2, &back, &e), ERR_IO, "cannot read the PNG", &e);
    draw_pixels_free(&p);
    buf_free(&png);
    buf_free(&file);
    drawing_free(d);
}

static void check_cells(const char *name, int colours) {
    struct drawing *d = sample();
    struct buf out = {0};
    struct err e = {0};
    assert_ok(draw_cells(d, colours, &out, &e), &e);
    if (colours == 0) assert_null(strchr(buf_text(&out), '\033'));
    check_golden(name, &out);
    buf_free(&out);
    drawing_free(d);
}

static void test_cells(void **state) {
    (void)state;
    check_cells("sample.txt", 0);
    check_cells("sample.16", 16);
    check_cells("sample.256", 256);
    check_cells("sample.24bit", 1 << 24);
}

static void test_svg(void **state) {
    struct drawing *d = sample();
    struct buf out = {0};
    struct err e = {0};
    (void)state;
    assert_ok(draw_svg(d, &out, &e), &e);
    assert_non_null(strstr(out.data, "<path d=\"M8.00 16.00L24.00 16.00L24.00 48.00L8.00 48.00Z\" fill=\"#1f77b4\"/>"));
    assert_non_null(strstr(out.data, "<path d=\"M2.00 62.00L40.00 62.00M50.00 62.00L94.00 62.00\" fill=\"none\""));
    assert_non_null(strstr(out.data, "fill=\"#2ca02c\" fill-opacity=\"0.502\">\n<circle cx=\"70.00\""));
    assert_non_null(strstr(out.data, ">A&lt;b &amp; \xc3\xa9</text>"));
    assert_non_null(strstr(out.data, "transform=\"rotate(-90 8.50 32.00)\""));
    assert_non_null(strstr(out.data, "xlink:href=\"data:image/png;base64,iVBORw0KGgo"));
    assert_string_equal(out.data + out.len - 7, "</svg>\n");
    buf_free(&out);
    drawing_free(d);
}

static void test_terminal_protocols(void **state) {
    struct drawing *d = sample();
    struct draw_pixels p;
    struct buf png = {0}, out = {0};
    struct err e = {0};
    (void)state;
    assert_ok(draw_raster(d, 1, &p, &e), &e);
    assert_ok(draw_png(&p, &png, &e), &e);
    draw_kitty(png.data, png.len, 80, &out);
    assert_memory_equal(out.data, "\033_Ga=T,f=100,q=2,c=12,m=1;\033\\\033_Gm=0;iVBORw0KGgo", 44);
    buf_free(&out);
    assert_ok(draw_sixel(&p, &out, &e), &e);
    assert_memory_equal(out.data, "\033P0;1;0q\"1;1;96;64#0;2;0;0;0#1;2;0;0;20", 39);
    assert_string_equal(out.data + out.len - 3, "-\033\\");
    buf_free(&out);
    buf_free(&png);
    draw_pixels_free(&p);
    drawing_free(d);
}

static void test_errors(void **state) {
    struct drawing *d = NULL;
    struct err e = {0};
    struct draw_item text = {.kind = DRAW_TEXT}, image = {.kind = DRAW_IMAGE, .rows = 1, .columns = 1};
    struct draw_item line = {.kind = DRAW_LINE, .size = NAN};
    (void)state;
    assert_error(drawing_new(0, 5, &d, &e), ERR_VALUE, "0 x 5", &e);
    assert_error(drawing_new(NAN, 5, &d, &e), ERR_VALUE, "picture", &e);
    assert_error(drawing_new(1e9, 5, &d, &e), ERR_VALUE, "20000", &e);
    d = new_drawing(8, 8);
    assert_error(drawing_add(d, &text, (double[]){INFINITY, 0}, 1, "x", 1, &e), ERR_VALUE, "finite place", &e);
    assert_error(drawing_add(d, &image, (double[]){0, 0, 1, 1}, 2, "xx", 2, &e), ERR_VALUE, "has 2 bytes", &e);
    assert_error(drawing_add(d, &line, (double[]){0, 0}, 1, "", 0, &e), ERR_VALUE, "widths", &e);
    assert_int_equal(drawing_count(d), 0);
    drawing_free(d);
}

static void test_colours(void **state) {
    static const uint32_t stops[] = {0x000000ff, 0xff0000ff};
    (void)state;
    assert_int_equal(draw_colour_at(stops, 2, -1), 0x000000ff);
    assert_int_equal(draw_colour_at(stops, 2, 0.5), 0x800000ff);
    assert_int_equal(draw_colour_at(stops, 2, 7), 0xff0000ff);
    assert_int_equal(draw_colour_at(stops, 2, NAN), 0xffffffff);
}

static void test_utf8(void **state) {
    const char *text = "\xff\xce\xb1\xe2\x82";
    (void)state;
    assert_int_equal(draw_next_code(&text), 0xfffd);
    assert_int_equal(draw_next_code(&text), 0x3b1);
    assert_int_equal(draw_next_code(&text), 0xfffd);
    assert_int_equal(*text, 0);
    assert_true(draw_glyph_of(0x3b1) != draw_glyph_of(0x4e00));
}

static enum status write_all(struct drawing *d, struct err *e) {
    struct draw_pixels p;
    struct buf out = {0};
    if (draw_raster(d, 1, &p, e) == OK) {
        draw_sixel(&p, &out, e);
        draw_pixels_free(&p);
    }
    if (e->status == OK) draw_svg(d, &out, e);
    if (e->status == OK) draw_cells(d, 256, &out, e);
    buf_free(&out);
    return e->status;
}

static void test_memory_ends(void **state) {
    struct drawing *d = sample();
    size_t held = mem_used();
    (void)state;
    for (size_t n = 1;; n++) {
        struct err e = {0};
        mem_fail_after(n);
        enum status s = write_all(d, &e);
        mem_fail_after(0);
        assert_int_equal(mem_used(), held);
        if (s == OK) break;
        assert_int_equal(s, ERR_MEMORY);
    }
    drawing_free(d);
    assert_int_equal(mem_used(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coverage), cmocka_unit_test(test_coverage_beyond_the_edges),
        cmocka_unit_test(test_png),      cmocka_unit_test(test_cells),
        cmocka_unit_test(test_svg),      cmocka_unit_test(test_terminal_protocols),
        cmocka_unit_test(test_errors),   cmocka_unit_test(test_colours),
        cmocka_unit_test(test_utf8),     cmocka_unit_test(test_memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
