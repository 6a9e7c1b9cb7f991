/* All classes, by kind: the lists are generated from the definitions. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "lists.h"
#include "nn/impl.h"

#define DECLARE_LAYER(name) extern const struct nn_layer_class nn_layer_##name;
#define DECLARE_INITIALIZER(name) extern const struct nn_initializer_class nn_initializer_##name;
#define DECLARE_LOSS(name) extern const struct nn_loss_class nn_loss_##name;
#define DECLARE_OPTIMIZER(name) extern const struct nn_optimizer_class nn_optimizer_##name;
#define DECLARE_METRIC(name) extern const struct nn_metric_class nn_metric_##name;
#define DECLARE_SCHEDULE(name) extern const struct nn_schedule_class nn_schedule_##name;
LIST_LAYERS(DECLARE_LAYER)
LIST_INITIALIZERS(DECLARE_INITIALIZER)
LIST_LOSSES(DECLARE_LOSS)
LIST_OPTIMIZERS(DECLARE_OPTIMIZER)
LIST_METRICS(DECLARE_METRIC)
LIST_SCHEDULES(DECLARE_SCHEDULE)

#define LAYER(name) &nn_layer_##name.base,
#define INITIALIZER(name) &nn_initializer_##name.base,
#define LOSS(name) &nn_loss_##name.base,
#define OPTIMIZER(name) &nn_optimizer_##name.base,
#define METRIC(name) &nn_metric_##name.base,
#define SCHEDULE(name) &nn_schedule_##name.base,
static const struct nn_class *const layers[] = {LIST_LAYERS(LAYER) NULL};
static const struct nn_class *const initializers[] = {LIST_INITIALIZERS(INITIALIZER) NULL};
static const struct nn_class *const losses[] = {LIST_LOSSES(LOSS) NULL};
static const struct nn_class *const optimizers[] = {LIST_OPTIMIZERS(OPTIMIZER) NULL};
static const struct nn_class *const metrics[] = {LIST_METRICS(METRIC) NULL};
static const struct nn_class *const schedules[] = {LIST_SCHEDULES(SCHEDULE) NULL};

static const struct nn_class *const *const classes[NN_KINDS] = {
    [NN_LAYER] = layers,   [NN_INITIALIZERS] = initializers, [NN_LOSS] = losses, [NN_OPTIMIZER] = optimizers,
    [NN_METRIC] = metrics, [NN_SCHEDULE] = schedules,
};

const struct nn_kind_info nn_kinds[NN_KINDS] = {
    [NN_LAYER] = {"layer", "keras.layers", nn_layer_args, true, nn_layer_init, nn_layer_fini},
    [NN_INITIALIZERS] = {"initializer", "keras.initializers", NULL, false, NULL, NULL},
    [NN_LOSS] = {"loss", "keras.losses", NULL, false, NULL, NULL},
    [NN_OPTIMIZER] = {"optimizer", "keras.optimizers", NULL, true, nn_optimizer_init, nn_optimizer_fini},
    [NN_METRIC] = {"metric", "keras.metrics", NULL, false, nn_metric_init, NULL},
    [NN_SCHEDULE] = {"learning rate schedule", "keras.optimizers.schedules", NULL, false, NULL, NULL},
};

const char *nn_module(enum nn_kind kind) {
    return nn_kinds[kind].module;
}

const struct nn_class *const *nn_all(enum nn_kind kind) {
    return classes[kind];
}

/* The names of a kind, "A, B"; of layers there are too many. */
static void list_classes(enum nn_kind kind, struct err *e) {
    for (const struct nn_class *const *c = classes[kind]; kind != NN_LAYER && *c; c++) {
        const size_t used = strlen(e->text);
        snprintf(e->text + used, sizeof e->text - used, "%s%s", c == classes[kind] ? "; there are " : ", ", (*c)->name);
    }
}

/* The known name nearest to a mistyped one, into `near`; empty where none is near. */
static void nearest_class(enum nn_kind kind, const char *name, char *near, size_t cap) {
    char text[4096];
    const char *words[256];
    size_t used = 0;
    int n = 0;
    for (const struct nn_class *const *c = classes[kind]; *c && used < sizeof text; c++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s %s ", (*c)->name, (*c)->alias ? (*c)->alias : "");
    char *rest = NULL;
    for (char *w = strtok_r(text, " ", &rest); w && n < 255; w = strtok_r(NULL, " ", &rest)) words[n++] = w;
    words[n] = NULL;
    const char *found = nearest(name, words);
    snprintf(near, cap, "%s", found ? found : "");
}

const struct nn_class *nn_find(enum nn_kind kind, const char *name, struct err *e) {
    for (const struct nn_class *const *c = classes[kind]; *c; c++)
        if (nn_is_named((*c)->name, (*c)->alias, name)) return *c;
    char near[64];
    nearest_class(kind, name, near, sizeof near);
    err_set(e, ERR_NOT_FOUND, "unknown %s \"%.60s\"%s%s%s", nn_kinds[kind].word, name, *near ? "; did you mean \"" : "",
            near, *near ? "\"?" : "");
    if (!*near) list_classes(kind, e);
    return NULL;
}
