/* An emitter that runs nothing: it infers each op's outputs and hands back symbolic tensors, and remembers the calls. */
#ifndef SUPPORT_RECORDER_H
#define SUPPORT_RECORDER_H

#include "op/emit.h"

#define RECORDER_MAX 512

struct recorder {
    struct op_emitter emit;
    struct err err;
    int ncall;
    int fail_at; /* the call that is refused, 1 = the first; 0: none */
    struct recorder_call {
        const struct op *op;
        int nin;
        union op_attrs attrs;
        struct tensor *in[4],
            *out; /* symbolic tensors, alive until recorder_close; tensor->value is the call's number */
    } call[RECORDER_MAX];
};

void recorder_open(struct recorder *r);
void recorder_close(struct recorder *r);
/* An input, owned by the emitter. */
emit_t recorder_input(struct recorder *r, enum dtype d, const struct shape *s);
/* What was emitted, in order: "add mul sum". */
const char *recorder_text(const struct recorder *r, char *text, size_t cap);

#endif
