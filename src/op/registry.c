/* The list of all ops and the checks every call shares. Invariant: an op's infer sees only inputs of the right number
 * and dtypes. */
#include <string.h>

#include "op/ops.h"

#define OP_ADDRESS(name) &op_##name,
const struct op *const op_registry[] = {LIST_OPS(OP_ADDRESS) NULL};

const struct op *op_find(const char *name) {
    for (const struct op *const *op = op_registry; *op; op++)
        if (strcmp((*op)->name, name) == 0) return *op;
    return NULL;
}

/* "float32 or float64" */
static const char *dtypes_text(unsigned dtypes, char *text, size_t cap) {
    size_t n = 0;
    text[0] = 0;
    for (int d = 0; d < DT_COUNT; d++) {
        if (!(dtypes & 1u << d)) continue;
        dtypes &= ~(1u << d);
        size_t left = cap - n, len = strlen(dtype_name(d));
        const char *before = n == 0 ? "" : dtypes ? ", " : " or ";
        if (strlen(before) + len >= left) break;
        memcpy(text + n, before, strlen(before));
        n += strlen(before);
        memcpy(text + n, dtype_name(d), len + 1);
        n += len;
    }
    return text;
}

static enum status refuse_dtype(int k, enum dtype d, unsigned allowed, struct err *e) {
    char text[80];
    return err_set(e, ERR_TYPE, "input %d is %s, must be %s", k, dtype_name(d),
                   dtypes_text(allowed, text, sizeof text));
}

static enum status check_dtypes(const struct op *op, const struct op_sig *in, int nin, struct err *e) {
    int data = -1;
    for (int k = 0; k < nin; k++) {
        unsigned bit = k < 32 ? 1u << k : 0;
        bool is_data = !((op->indices | op->conditions) & bit);
        const unsigned integers = 1u << DT_INT32 | 1u << DT_INT64 | (op->bytes ? 1u << DT_UINT8 : 0);
        unsigned allowed = is_data ? op->dtypes : op->conditions & bit ? OP_BOOL : integers;
        if (!(allowed & 1u << in[k].dtype)) return refuse_dtype(k, in[k].dtype, allowed, e);
        if (!is_data) continue;
        if (data >= 0 && in[data].dtype != in[k].dtype)
            return err_set(e, ERR_TYPE, "inputs %d and %d must have one dtype, got %s and %s", data, k,
                           dtype_name(in[data].dtype), dtype_name(in[k].dtype));
        data = k;
    }
    return OK;
}

static enum status check_arity(const struct op *op, int nin, struct err *e) {
    if (op->nin >= 0 && nin != op->nin)
        return err_set(e, ERR_VALUE, "takes %d input%s, got %d", op->nin, op->nin == 1 ? "" : "s", nin);
    if (op->nin < 0 && nin < 1) return err_set(e, ERR_VALUE, "needs at least one input");
    if (nin > OP_MAX_IN) return err_set(e, ERR_VALUE, "takes at most %d inputs, got %d", OP_MAX_IN, nin);
    return OK;
}

enum status op_infer(const struct op *op, const struct op_sig *in, int nin, const union op_attrs *attrs,
                     struct op_sig *out, struct err *e) {
    static const union op_attrs none = {0};
    if (e->status != OK) return e->status;
    struct op_inference i = {.op = op, .in = in, .nin = nin, .attrs = attrs ? attrs : &none, .out = out, .err = e};
    enum status s = check_arity(op, nin, e);
    if (s == OK) s = check_dtypes(op, in, nin, e);
    if (s == OK) s = op->infer(&i);
    if (s != OK) err_prefix(e, "%s", op->name);
    return s;
}
