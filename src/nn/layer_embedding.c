/* Embedding: a learned vector for each integer. */
#include "nn/impl.h"

struct embedding {
    struct nn_layer layer;
    int64_t input_dim, output_dim;
    struct nn_object *initializer;
    struct variable *embeddings;
};

static const struct nn_arg args[] = {
    {"input_dim", NN_INT, offsetof(struct embedding, input_dim), NULL, .doc = "how many integers there are, from 0"},
    {"output_dim", NN_INT, offsetof(struct embedding, output_dim), NULL, .doc = "length of a vector"},
    {"embeddings_initializer", NN_INITIALIZER, offsetof(struct embedding, initializer), "\"uniform\"",
     .doc = "draws the vectors, (input_dim, output_dim)"},
    {"embeddings_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the vectors"},
    {"activity_regularizer", NN_REJECT, 0, "null", .doc = "a penalty on the output"},
    {"embeddings_constraint", NN_REJECT, 0, "null", .doc = "a projection of the vectors after each step"},
    {"mask_zero", NN_REJECT, 0, "false", .doc = "whether 0 means that there is nothing"},
    {"weights", NN_REJECT, 0, "null", .flags = NN_HIDDEN, .doc = "the vectors"},
    {"lora_rank", NN_REJECT, 0, "null", .flags = NN_HIDDEN, .doc = "rank of a low-rank adaptation"},
    {"lora_alpha", NN_REJECT, 0, "null", .flags = NN_HIDDEN, .doc = "scale of a low-rank adaptation"},
    {"quantization_config", NN_REJECT, 0, "null", .doc = "how weights are quantized"},
    {0},
};

static enum status init(struct nn_object *o, struct err *e) {
    const struct embedding *b = (struct embedding *)o;
    if (nn_want_positive(o, "input_dim", b->input_dim, e)) return e->status;
    return nn_want_positive(o, "output_dim", b->output_dim, e);
}

static enum status output(struct nn_layer *l, const struct shape *in, int nin, struct shape *out, struct err *e) {
    (void)nin;
    if (in[0].rank == TENSOR_MAX_RANK) return err_set(e, ERR_VALUE, "the input has too many dimensions");
    *out = in[0];
    out->dim[out->rank++] = ((struct embedding *)l)->output_dim;
    return OK;
}

static enum status build(struct nn_layer *l, const struct op_sig *in, int nin, struct err *e) {
    (void)in, (void)nin;
    struct embedding *b = (struct embedding *)l;
    const struct shape s = SHAPE(b->input_dim, b->output_dim);
    return nn_add_weight(l, "embeddings", &s, b->initializer, true, &b->embeddings, e);
}

static struct tensor *call(struct nn_layer *l, struct nn_call *c, struct tensor *const *x, int nx) {
    (void)nx;
    const enum dtype d = x[0]->dtype;
    emit_t index = d == DT_INT32 || d == DT_INT64 ? x[0] : emit_cast(c->emit, x[0], DT_INT32);
    return emit_gather(c->emit, nn_read(c, ((struct embedding *)l)->embeddings), index);
}

const struct nn_layer_class nn_layer_embedding = {
    .base = {.name = "Embedding",
             .kind = NN_LAYER,
             .doc = "looks integers up in a table of vectors, from any shape to the same with output_dim behind it",
             .args = args,
             .size = sizeof(struct embedding),
             .init = init},
    .any_dtype = true,
    .build = build,
    .output = output,
    .call = call,
};
