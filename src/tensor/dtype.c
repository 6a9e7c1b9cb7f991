/* The six element types and where two of them meet. */
#include <strings.h>

#include "base/nearest.h"
#include "tensor/tensor.h"

static const struct {
    const char *name;
    size_t size;
} type[DT_COUNT] = {
    [DT_BOOL] = {"bool", 1},   [DT_UINT8] = {"uint8", 1},     [DT_INT32] = {"int32", 4},
    [DT_INT64] = {"int64", 8}, [DT_FLOAT32] = {"float32", 4}, [DT_FLOAT64] = {"float64", 8},
};

size_t dtype_size(enum dtype d) {
    return type[d].size;
}
const char *dtype_name(enum dtype d) {
    return type[d].name;
}
bool dtype_is_float(enum dtype d) {
    return d == DT_FLOAT32 || d == DT_FLOAT64;
}

enum status dtype_parse(const char *name, enum dtype *out, struct err *e) {
    const char *names[DT_COUNT + 1] = {0};
    for (int d = 0; d < DT_COUNT; d++) {
        names[d] = type[d].name;
        if (strcasecmp(name, type[d].name) == 0) {
            *out = (enum dtype)d;
            return OK;
        }
    }
    const char *near = nearest(name, names);
    return err_set(e, ERR_TYPE, "unknown dtype '%s'%s%s%s; known: bool uint8 int32 int64 float32 float64", name,
                   near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

enum dtype dtype_promote(enum dtype a, enum dtype b) {
    return a > b ? a : b;
}

enum dtype dtype_promote_weak(enum dtype tensor, bool number_is_float) {
    if (number_is_float) return dtype_is_float(tensor) ? tensor : DT_FLOAT32;
    return tensor == DT_BOOL ? DT_INT64 : tensor;
}

double dtype_to_double(enum dtype d, const void *bytes, int64_t i) {
    switch (d) {
    case DT_BOOL:
    case DT_UINT8: return ((const uint8_t *)bytes)[i];
    case DT_INT32: return ((const int32_t *)bytes)[i];
    case DT_INT64: return (double)((const int64_t *)bytes)[i];
    case DT_FLOAT32: return ((const float *)bytes)[i];
    default: return ((const double *)bytes)[i];
    }
}
