#include "tensor/tensor.h"
enum status tensor_print(const struct tensor *t, struct buf *out, struct err *e) {
    char text[256];
    (void)e;
    buf_printf(out, "tensor %s%s", dtype_name(t->dtype), shape_text(&t->shape, text, sizeof text));
    return OK;
}
