/* What is done with a patch's numbers on their way: in, a scale and a shift of their channel; out, a bias and relu, or
 * relu's gradient. Each op is rounded by itself, as it would be alone. */
#include "device/cpu/isa/patch.h"

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

void CPU_SYMBOL(finish_patch)(const struct cpu_conv_patch *from, const struct cpu_conv_patch *to, int vectors) {
    for (int y = to->top; y < to->bottom; y++)
        for (int x = to->left; x < to->right; x++) {
            const float *a = from->x + y * from->row_stride + x * from->column_stride;
            const int64_t at = y * to->row_stride + x * to->column_stride;
            for (int v = 0; v < vectors * LANES; v += LANES) {
                const vec result = patch_finish(&to->finish, v, at + v, vec_load(a + v));
                if (to->stream)
                    vec_stream(to->x + at + v, result);
                else
                    vec_store(to->x + at + v, result);
            }
        }
}
