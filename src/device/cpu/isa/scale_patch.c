/* A patch's numbers times a scale and plus a shift of their channel, rounded in between, as the two ops would be. */
#include "device/cpu/conv_kernels.h"
#include "device/cpu/isa.h"
#include "device/cpu/isa/vec.h"

void CPU_SYMBOL(scale_patch)(const struct cpu_conv_patch *from, const struct cpu_conv_patch *to, int vectors) {
    for (int y = from->top; y < from->bottom; y++)
        for (int x = from->left; x < from->right; x++) {
            const float *a = from->x + y * from->row_stride + x * from->column_stride;
            float *b = to->x + y * to->row_stride + x * to->column_stride;
            for (int v = 0; v < vectors * LANES; v += LANES) {
                __builtin_prefetch(a + v + from->next, 0, 2);
                vec_store(b + v, vec_load(a + v) * vec_load(from->scale + v) + vec_load(from->shift + v));
            }
        }
}
