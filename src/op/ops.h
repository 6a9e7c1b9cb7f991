/* Every op by its C name (op_add, op_conv2d, ...), declared from the generated list. */
#ifndef OP_OPS_H
#define OP_OPS_H

#include "lists.h"
#include "op/op.h"

#define DECLARE_OP(name) extern const struct op op_##name;
LIST_OPS(DECLARE_OP)
#undef DECLARE_OP

#endif
