/* See nn.h. */
#include "support/nn.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"

struct run *test_nn;
static size_t used_before;

int test_nn_open(void **state) {
    (void)state;
    struct err e = {0};
    used_before = mem_used();
    return run_open(&test_nn, &e) ? -1 : 0;
}

int test_nn_close(void **state) {
    (void)state;
    run_close(test_nn);
    return mem_used() == used_before ? 0 : -1;
}

static enum status make(enum nn_kind kind, const char *class_name, const char *config, struct nn_object **out,
                        struct err *e) {
    const struct nn_class *c = nn_find(kind, class_name, e);
    json_t *json = config && c ? json_parse(config, strlen(config), e) : NULL;
    if (!e->status) nn_new(test_nn, c, json, NULL, 0, out, e);
    json_decref(json);
    return e->status;
}

struct nn_object *test_new(enum nn_kind kind, const char *class_name, const char *config) {
    struct err e = {0};
    struct nn_object *o = NULL;
    assert_ok(make(kind, class_name, config, &o, &e), &e);
    return o;
}

struct err test_refused(enum nn_kind kind, const char *class_name, const char *config) {
    struct err e = {0};
    struct nn_object *o = NULL;
    if (!make(kind, class_name, config, &o, &e)) fail_msg("%s was made from %s", class_name, config);
    return e;
}

void test_contains(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

struct tensor *test_floats(struct shape s, const float *values) {
    struct err e = {0};
    struct tensor *t = NULL;
    assert_ok(tensor_from(test_nn->device, DT_FLOAT32, &s, values, &t, &e), &e);
    return t;
}

struct tensor *test_full(struct shape s, float value) {
    struct err e = {0};
    struct tensor *t = NULL;
    assert_ok(tensor_new(test_nn->device, DT_FLOAT32, &s, &t, &e), &e);
    float *data = tensor_data(t);
    for (int64_t i = 0; i < tensor_size(t); i++) data[i] = value;
    return t;
}

float test_item(const struct tensor *t, int64_t i) {
    assert_int_equal(t->dtype, DT_FLOAT32);
    assert_true(tensor_is_contiguous(t) && i < tensor_size(t));
    return ((const float *)tensor_data(t))[i];
}

struct tensor *test_call(struct nn_object *layer, struct tensor *x, bool training) {
    struct err e = {0};
    struct tensor *y = NULL;
    assert_ok(nn_layer_call((struct nn_layer *)layer, &x, 1, training, &y, &e), &e);
    return y;
}
