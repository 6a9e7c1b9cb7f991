/* PNG files through libpng's simplified interface, which reports errors without a jump. */
#include <png.h>
#include <string.h>

#include "base/mem.h"
#include "draw/draw.h"

enum status draw_png(const struct draw_pixels *p, struct buf *out, struct err *e) {
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)p->width,
                       .height = (png_uint_32)p->height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t n = PNG_IMAGE_PNG_SIZE_MAX(image);
    char *room = buf_room(out, n);
    if (!room) return buf_status(out, e);
    if (!png_image_write_to_memory(&image, room, &n, 0, p->rgb, 0, NULL))
        return err_set(e, ERR_IO, "cannot write a PNG: %s", image.message);
    out->len += n;
    return OK;
}

enum status draw_read_png(const void *bytes, size_t n, struct draw_pixels *out, struct err *e) {
    static const png_color white = {255, 255, 255};
    png_image image = {.version = PNG_IMAGE_VERSION};
    *out = (struct draw_pixels){0};
    if (!png_image_begin_read_from_memory(&image, bytes, n))
        return err_set(e, ERR_IO, "cannot read the PNG: %s", image.message);
    image.format = PNG_FORMAT_RGB;
    *out = (struct draw_pixels){(int)image.width, (int)image.height, mem_alloc(PNG_IMAGE_SIZE(image), e)};
    if (!out->rgb || !png_image_finish_read(&image, &white, out->rgb, 0, NULL)) {
        if (out->rgb) err_set(e, ERR_IO, "cannot read the PNG: %s", image.message);
        png_image_free(&image);
        draw_pixels_free(out);
    }
    return e->status;
}
