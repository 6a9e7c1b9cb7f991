/* Seeds, initial weights and dropout masks after set_random_seed(200), bit for bit those of Keras 3.15.1. */
#include "support/nn.h"

#include <math.h>
#include <string.h>

/* ---- the tutorial's network -------------------------------------------------------------------------------------- */

struct drawn {
    const char *class_name, *config;
    struct shape in;              /* with the batch */
    int64_t seed;                 /* of a Dropout; 0: none */
    uint32_t first[8], last, sum; /* bits of the kernel; sum 0: none */
};

#define CONV(FILTERS)                                                                                                  \
    "{\"filters\": " FILTERS ", \"kernel_size\": [5, 5], \"padding\": \"same\", \"activation\": \"elu\"}"
static const struct drawn tutorial[] = {
    {"BatchNormalization", NULL, {4, {128, 28, 28, 1}}, 0, {0}, 0, 0},
    {"Conv2D",
     CONV("64"),
     {4, {128, 28, 28, 1}},
     0,
     {0x3d10268f, 0x3d084df3, 0xbd73f28b, 0xbc1a1990, 0xbd60fa0b, 0xbd4c7b92, 0xbc0a5e88, 0x3c2d46a4},
     0xbc4ed5e0,
     0x5fc29332},
    {"Dropout", "{\"rate\": 0.25}", {4, {128, 14, 14, 64}}, 968050455, {0}, 0, 0},
    {"Conv2D",
     CONV("128"),
     {4, {128, 14, 14, 64}},
     0,
     {0xbc450b44, 0xbcb708e9, 0x3c897b44, 0xbd00d3ba, 0xbc8529e2, 0x3cc860b2, 0xbbb3008c, 0xbca14eef},
     0x3ca949be,
     0x4d7e41c6},
    {"Dropout", "{\"rate\": 0.25}", {4, {128, 7, 7, 128}}, 788668033, {0}, 0, 0},
    {"Conv2D",
     CONV("256"),
     {4, {128, 7, 7, 128}},
     0,
     {0xbb5f5be8, 0x3c9a68a7, 0xbcbea423, 0xba18dac0, 0xbc8d6193, 0xbc0741a0, 0x3c2907fa, 0x3c9c7fe3},
     0xbccc5c37,
     0x407858fc},
    {"Dropout", "{\"rate\": 0.25}", {4, {128, 3, 3, 256}}, 32601859, {0}, 0, 0},
    {"Flatten", NULL, {4, {128, 3, 3, 256}}, 0, {0}, 0, 0},
    {"Dense",
     "{\"units\": 256}",
     {2, {128, 2304}},
     0,
     {0xbd003422, 0xbc73e888, 0x3b684240, 0x3c00f908, 0x3b4eecf0, 0xbc46cccc, 0xbc7fcbf8, 0x3d2187cc},
     0xbcd5a0a2,
     0x63f3985a},
    {"Activation", "{\"activation\": \"elu\"}", {2, {128, 256}}, 0, {0}, 0, 0},
    {"Dropout", "{\"rate\": 0.5}", {2, {128, 256}}, 663261739, {0}, 0, 0},
    {"Dense",
     "{\"units\": 10}",
     {2, {128, 256}},
     0,
     {0x3e03066e, 0x3c1c9030, 0xbc620f00, 0xbcabeca0, 0xbe0334ca, 0xbde27848, 0x3db56de4, 0xbdce36a2},
     0x3dfef068,
     0x7fe336aa},
};
enum { LAYERS = sizeof tutorial / sizeof *tutorial };

static void make_tutorial(struct nn_object *out[LAYERS]) {
    nn_set_random_seed(test_nn, 200);
    for (int i = 0; i < LAYERS; i++) {
        struct err e = {0};
        struct op_sig in = {DT_FLOAT32, tutorial[i].in};
        out[i] = test_new(NN_LAYER, tutorial[i].class_name, tutorial[i].config);
        assert_ok(nn_layer_build((struct nn_layer *)out[i], &in, 1, NULL, &e), &e);
    }
}

static const uint32_t *bits_of(const struct tensor *t) {
    return tensor_data(t);
}

static void check_kernel(const struct drawn *d, const struct tensor *kernel) {
    const uint32_t *bits = bits_of(kernel);
    int64_t n = tensor_size(kernel);
    uint32_t sum = 0;
    for (int64_t i = 0; i < n; i++) sum += bits[i];
    assert_memory_equal(bits, d->first, sizeof d->first);
    assert_int_equal(bits[n - 1], d->last);
    assert_int_equal(sum, d->sum);
}

static void test_tutorial_weights_and_seeds(void **state) {
    (void)state;
    struct nn_object *layer[LAYERS];
    make_tutorial(layer);
    for (int i = 0; i < LAYERS; i++) {
        const struct nn_layer *l = (const struct nn_layer *)layer[i];
        if (tutorial[i].sum) check_kernel(&tutorial[i], layer[i]->variable[0]->value);
        if (tutorial[i].seed) {
            const int64_t *seed = tensor_data(l->seed->value);
            assert_int_equal(seed[0], tutorial[i].seed);
            assert_int_equal(seed[1], 0);
        } else {
            assert_null(l->seed);
        }
    }
    assert_int_equal(nn_draw_seed(test_nn), 857606676); /* the tenth; nothing else drew */
    for (int i = 0; i < LAYERS; i++) nn_release(layer[i]);
}

/* A recurrent layer draws two seeds for its kernels and one for dropout, though it has none: the kernel that comes after. */
static void test_seeds_of_recurrent_layers(void **state) {
    (void)state;
    static const char *const names[] = {"SimpleRNN", "LSTM", "GRU"};
    static const uint32_t first[4] = {0xbdc79520, 0x3f6b5588, 0xbf0fae28, 0x3a76b000};
    const struct op_sig in = {DT_FLOAT32, SHAPE(2, 5, 3)}, flat = {DT_FLOAT32, SHAPE(2, 4)};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct err e = {0};
        nn_set_random_seed(test_nn, 200);
        struct nn_object *a = test_new(NN_LAYER, names[i], "{\"units\": 4}");
        struct nn_object *b = test_new(NN_LAYER, "Dense", "{\"units\": 2}");
        assert_ok(nn_layer_build((struct nn_layer *)a, &in, 1, NULL, &e), &e);
        assert_ok(nn_layer_build((struct nn_layer *)b, &flat, 1, NULL, &e), &e);
        assert_memory_equal(tensor_data(b->variable[0]->value), first, sizeof first);
        nn_release(a);
        nn_release(b);
    }
}

/* ---- dropout ----------------------------------------------------------------------------------------------------- */

static void check_mask(struct nn_object *dropout, struct tensor *ones, float scale, const char *first, int64_t kept) {
    struct tensor *y = test_call(dropout, ones, true);
    int64_t n = 0;
    for (int64_t i = 0; i < tensor_size(y); i++) {
        float v = test_item(y, i);
        assert_true(v == 0 || v == scale);
        if (first[0] && i < 32) assert_int_equal(v != 0, first[i] == '1');
        n += v != 0;
    }
    assert_int_equal(n, kept);
    tensor_release(y);
}

static void test_dropout_masks(void **state) {
    (void)state;
    static const struct {
        int layer;
        const char *first[2];
        int64_t kept[2];
    } masks[] = {
        {2, {"11101011110111101011111111111111", "11111101111101100110111011110111"}, {1204239, 1205076}},
        {4, {"11011101000101101100011111111011", "11101111111110111000111101110111"}, {602625, 601825}},
        {6, {"11011111110101111001111011101111", "10101111100111111111111011111111"}, {221034, 220905}},
        {10, {"01010011111001110111000110011111", "01000100001100001110101110010110"}, {16586, 16291}},
    };
    struct nn_object *layer[LAYERS];
    make_tutorial(layer);
    for (int i = 0; i < 4; i++) {
        const struct drawn *d = &tutorial[masks[i].layer];
        struct tensor *ones = test_full(d->in, 1);
        float scale = masks[i].layer == 10 ? 2 : (float)(1 / 0.75);
        for (int t = 0; t < 2; t++) {
            check_mask(layer[masks[i].layer], ones, scale, masks[i].first[t], masks[i].kept[t]);
            struct tensor *same = test_call(layer[masks[i].layer], ones, false); /* does not count a step */
            assert_ptr_equal(same, ones);
            tensor_release(same);
        }
        tensor_release(ones);
    }
    for (int i = 0; i < LAYERS; i++) nn_release(layer[i]);
}

/* A compiled training call draws the mask of its own step, and counts it. */
static void test_dropout_compiled(void **state) {
    (void)state;
    struct err e = {0};
    struct tensor *x = test_full(SHAPE(128, 256), 1), *in, *y, *out = NULL;
    struct nn_object *dropout = test_new(NN_LAYER, "Dropout", "{\"rate\": 0.5, \"seed\": 663261739}");
    struct program *p = NULL;
    const int kept[2] = {16586, 16291};
    assert_ok(trace_begin(test_nn, &e), &e);
    assert_ok(trace_input(test_nn, DT_FLOAT32, &x->shape, &in, &e), &e);
    y = test_call(dropout, in, true);
    assert_ok(trace_end(test_nn, &y, 1, &p, &e), &e);
    for (int step = 0; step < 2; step++) {
        assert_ok(program_call(test_nn, p, &x, 1, &out, &e), &e);
        int n = 0;
        for (int i = 0; i < 128 * 256; i++) n += test_item(out, i) == 2;
        assert_int_equal(n, kept[step]);
        tensor_release(out);
    }
    const int64_t *seed = tensor_data(((struct nn_layer *)dropout)->seed->value);
    assert_int_equal(seed[1], 2);
    program_release(p);
    tensor_release(x);
    tensor_release(y);
    nn_release(dropout);
}

static void test_dropout_edges(void **state) {
    (void)state;
    struct tensor *ones = test_full(SHAPE(4, 6), 1);
    nn_set_random_seed(test_nn, 200);
    struct nn_object *none = test_new(NN_LAYER, "Dropout", "{\"rate\": 0}");
    assert_int_equal(nn_draw_seed(test_nn), 48972609); /* rate 0 drew none */
    struct tensor *y = test_call(none, ones, true);
    assert_ptr_equal(y, ones);
    tensor_release(y);
    struct nn_object *all = test_new(NN_LAYER, "Dropout", "{\"rate\": 1, \"seed\": 3}");
    y = test_call(all, ones, true);
    for (int i = 0; i < 24; i++) assert_true(test_item(y, i) == 0);
    tensor_release(y);
    struct nn_object *rows = test_new(NN_LAYER, "Dropout", "{\"rate\": 0.5, \"noise_shape\": [null, 1], \"seed\": 1}");
    y = test_call(rows, ones, true);
    for (int i = 0; i < 24; i++) assert_true(test_item(y, i) == test_item(y, i / 6 * 6));
    tensor_release(y);
    tensor_release(ones);
    nn_release(none);
    nn_release(all);
    nn_release(rows);
}

/* ---- initializers ------------------------------------------------------------------------------------------------ */

static void test_vectors(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint32_t first[4];
    } vectors[] = {
        {"he_uniform", {0x3e9145bf, 0x3e895d81, 0xbef5d88c, 0xbd9b4c90}},
        {"random_uniform", {0x3ced3a9a, 0x3ce05106, 0xbd48bb7a, 0xbbfd9a30}},
        {"glorot_normal", {0xbcde1278, 0x3b85f842, 0x3d67ded7, 0x3d55ffca}},
        {"he_normal", {0xbe5fcce4, 0x3d070329, 0x3ee9acc9, 0x3ed7aa21}},
        {"random_normal", {0xbd0b3390, 0x3ba7f3d4, 0x3d9157e3, 0xbe0979c7}},
    };
    struct shape s = SHAPE(5, 5, 1, 64);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct err e = {0};
        struct tensor *t = NULL;
        struct nn_object *o = test_new(NN_INITIALIZERS, vectors[i].name, "{\"seed\": 48972609}");
        assert_ok(nn_initializer_call(o, &s, &t, &e), &e);
        assert_memory_equal(tensor_data(t), vectors[i].first, sizeof vectors[i].first);
        tensor_release(t);
        nn_release(o);
    }
}

static struct tensor *drawn_by(const char *name, const char *config, struct shape s) {
    struct err e = {0};
    struct tensor *t = NULL;
    struct nn_object *o = test_new(NN_INITIALIZERS, name, config);
    assert_ok(nn_initializer_call(o, &s, &t, &e), &e);
    nn_release(o);
    return t;
}

/* The columns of q, or with `wide` its rows, have length `gain` and are orthogonal. */
static void check_orthonormal(const struct tensor *q, bool wide, double gain) {
    const int64_t n = q->shape.dim[q->shape.rank - 1], m = shape_size(&q->shape) / n;
    const int64_t vectors = wide ? m : n, length = wide ? n : m;
    for (int64_t a = 0; a < vectors; a++)
        for (int64_t b = 0; b <= a; b++) {
            double sum = 0;
            for (int64_t i = 0; i < length; i++)
                sum += (double)test_item(q, wide ? a * n + i : i * n + a) * test_item(q, wide ? b * n + i : i * n + b);
            assert_true(fabs(sum - (a == b ? gain * gain : 0)) < 1e-6);
        }
}

/* Numbers of Keras 3.15.1, which takes LAPACK's QR: equal but for rounding. */
static void test_orthogonal(void **state) {
    (void)state;
    static const float wide[] = {-0.12754523754F, -0.37955865264F, -0.17906154692F, -0.15505385399F};
    static const float high[] = {-0.51255059242F, -0.27921289206F, -1.23555052280F, -1.11979019642F};
    struct tensor *a = drawn_by("Orthogonal", "{\"seed\": 7}", SHAPE(4, 16));
    struct tensor *b = drawn_by("Orthogonal", "{\"seed\": 7, \"gain\": 2.0}", SHAPE(7, 3));
    struct tensor *c = drawn_by("orthogonal", "{\"seed\": 7}", SHAPE(3, 3, 2, 5));
    for (int i = 0; i < 4; i++) {
        assert_true(fabsf(test_item(a, i) - wide[i]) < 1e-6F);
        assert_true(fabsf(test_item(b, i) - high[i]) < 1e-6F);
    }
    check_orthonormal(a, true, 1);
    check_orthonormal(b, false, 2);
    check_orthonormal(c, false, 1);
    tensor_release(a);
    tensor_release(b);
    tensor_release(c);
    const struct shape line = SHAPE(3);
    struct err e = {0};
    struct tensor *none = NULL;
    struct nn_object *o = test_new(NN_INITIALIZERS, "Orthogonal", NULL);
    assert_int_equal(nn_initializer_call(o, &line, &none, &e), ERR_VALUE);
    test_contains(e.text, "at least two-dimensional");
    nn_release(o);
}

static void test_named_cases_are_variance_scaling(void **state) {
    (void)state;
    static const char *const same[][3] = {
        {"GlorotUniform", "{\"seed\": 9}",
         "{\"scale\": 1, \"mode\": \"fan_avg\", \"distribution\": \"uniform\", \"seed\": 9}"},
        {"HeNormal", "{\"seed\": 9}", "{\"scale\": 2.0, \"distribution\": \"normal\", \"seed\": 9}"},
        {"LecunUniform", "{\"seed\": 9}", "{\"distribution\": \"Uniform\", \"seed\": 9}"},
        {"LecunNormal", "{\"seed\": 9}", "{\"seed\": 9}"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct tensor *a = drawn_by(same[i][0], same[i][1], SHAPE(7, 3));
        struct tensor *b = drawn_by("VarianceScaling", same[i][2], SHAPE(7, 3));
        assert_memory_equal(tensor_data(a), tensor_data(b), 21 * sizeof(float));
        tensor_release(a);
        tensor_release(b);
    }
}

static void test_constants(void **state) {
    (void)state;
    struct tensor *t = drawn_by("constant", "{\"value\": 0.5}", SHAPE(3));
    assert_true(test_item(t, 2) == 0.5f);
    tensor_release(t);
    t = drawn_by("zero", NULL, SHAPE(0));
    assert_int_equal(tensor_size(t), 0);
    tensor_release(t);
}

/* An initializer object given to two layers gives both the same values, and is seeded once. */
static void test_shared_object(void **state) {
    (void)state;
    struct err e = {0};
    struct op_sig in = {DT_FLOAT32, SHAPE(1, 4)};
    struct nn_object *layer[2];
    nn_set_random_seed(test_nn, 200);
    struct nn_object *shared = test_new(NN_INITIALIZERS, "GlorotUniform", NULL);
    struct nn_given given = {"kernel_initializer", shared};
    json_t *config = json_pack("{s:i}", "units", 3);
    for (int i = 0; i < 2; i++) {
        assert_ok(nn_new(test_nn, nn_find(NN_LAYER, "Dense", &e), config, &given, 1, &layer[i], &e), &e);
        assert_ok(nn_layer_build((struct nn_layer *)layer[i], &in, 1, NULL, &e), &e);
    }
    assert_int_equal(nn_draw_seed(test_nn), 968050455); /* the second */
    assert_memory_equal(tensor_data(layer[0]->variable[0]->value), tensor_data(layer[1]->variable[0]->value), 48);
    json_decref(config);
    nn_release(shared);
    nn_release(layer[0]);
    nn_release(layer[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tutorial_weights_and_seeds),
        cmocka_unit_test(test_seeds_of_recurrent_layers),
        cmocka_unit_test(test_dropout_masks),
        cmocka_unit_test(test_dropout_compiled),
        cmocka_unit_test(test_dropout_edges),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_named_cases_are_variance_scaling),
        cmocka_unit_test(test_orthogonal),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_shared_object),
    };
    return cmocka_run_group_tests(tests, test_nn_open, test_nn_close);
}
