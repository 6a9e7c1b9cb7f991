/* Keras's random numbers against vectors drawn from Keras 3.15.1 on TensorFlow 2.21. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "support/test.h"

static uint32_t bits(float x) {
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static void test_mt_words_and_seeds(void **state) {
    (void)state;
    static const uint32_t word[] = {0x0bad0d02, 0xe6cd1c58, 0x341519ca, 0xbc087a02};
    static const uint64_t seed[] = {48972609,  968050455, 218449523, 788668033, 761416086, 32601859,
                                    153382407, 663261739, 923429768, 857606676, 286380108, 983937640};
    struct rng_mt m;
    rng_mt_seed(&m, 200);
    for (int i = 0; i < 4; i++) assert_int_equal(rng_mt_next(&m), word[i]);
    rng_mt_seed(&m, 200);
    for (int i = 0; i < 12; i++) assert_int_equal(rng_mt_keras_seed(&m), seed[i]);
}

static void test_philox(void **state) {
    (void)state;
    uint32_t w[4];
    struct rng_philox zero = {{0}, {0}}, p = rng_stateless(48972609, 0);
    rng_block(&zero, 0, w);
    assert_int_equal(w[0], 0x6627e8d5);
    assert_int_equal(w[3], 0x9b00dbd8);
    assert_int_equal(p.key[0], 0x91e43ade);
    assert_int_equal(p.key[1], 0xc397c8ae);
    rng_block(&p, 0, w);
    assert_int_equal(w[0], 0x6de51128);
    rng_block(&p, 1, w);
    assert_int_equal(w[0], 0x28062638);
}

/* The tutorial's five kernels after set_random_seed(200): first, last, and the sum of all bit patterns. */
static void test_glorot_uniform(void **state) {
    (void)state;
    static const struct {
        int64_t seed, n, fan;
        uint32_t first, last, sum;
    } kernel[] = {
        {48972609, 1600, 25 * 65, 0x3d10268f, 0xbc4ed5e0, 0x5fc29332},
        {218449523, 204800, 25 * 192, 0xbc450b44, 0x3ca949be, 0x4d7e41c6},
        {761416086, 819200, 25 * 384, 0xbb5f5be8, 0xbccc5c37, 0x407858fc},
        {153382407, 589824, 2560, 0xbd003422, 0xbcd5a0a2, 0x63f3985a},
        {923429768, 2560, 266, 0x3e03066e, 0x3dfef068, 0x7fe336aa},
    };
    for (size_t k = 0; k < sizeof kernel / sizeof *kernel; k++) {
        float *x = malloc(sizeof *x * (size_t)kernel[k].n);
        struct rng_philox p = rng_stateless(kernel[k].seed, 0);
        double limit = sqrt(3.0 * (1.0 / ((double)kernel[k].fan / 2)));
        uint32_t sum = 0;
        rng_uniform(&p, kernel[k].n, -limit, limit, x);
        for (int64_t i = 0; i < kernel[k].n; i++) sum += bits(x[i]);
        assert_int_equal(bits(x[0]), kernel[k].first);
        assert_int_equal(bits(x[kernel[k].n - 1]), kernel[k].last);
        assert_int_equal(sum, kernel[k].sum);
        free(x);
    }
}

static void test_normals(void **state) {
    (void)state;
    static const uint32_t glorot[] = {0xbcde1278, 0x3b85f842, 0x3d67ded7, 0x3d55ffca};
    static const uint32_t plain[] = {0xbd0b3390, 0x3ba7f3d4, 0x3d9157e3, 0xbe0979c7};
    struct rng_philox p = rng_stateless(48972609, 0);
    float x[1600];
    rng_truncated_normal(&p, 1600, 0, sqrt(1.0 / (25 * 65 / 2.0)) / 0.87962566103423978, x);
    for (int i = 0; i < 4; i++) assert_int_equal(bits(x[i]), glorot[i]);
    rng_normal(&p, 1600, 0, 0.05, x);
    for (int i = 0; i < 4; i++) assert_int_equal(bits(x[i]), plain[i]);
}

static void check_mask(int64_t seed, int64_t step, float rate, int64_t n, const char *first, int64_t kept) {
    float *u = malloc(sizeof *u * (size_t)n);
    struct rng_philox p = rng_stateless(seed, step);
    int64_t count = 0;
    rng_unit(&p, 0, n, u);
    for (int64_t i = 0; i < n; i++) count += u[i] >= rate;
    for (int i = 0; first[i]; i++) assert_int_equal(u[i] >= rate, first[i] == '1');
    assert_int_equal(count, kept);
    free(u);
}

static void test_dropout_masks(void **state) {
    (void)state;
    check_mask(968050455, 0, 0.25f, 128 * 14 * 14 * 64, "11101011110111101011111111111111", 1204239);
    check_mask(968050455, 1, 0.25f, 128 * 14 * 14 * 64, "11111101111101100110111011110111", 1205076);
    check_mask(788668033, 0, 0.25f, 128 * 7 * 7 * 128, "11011101000101101100011111111011", 602625);
    check_mask(32601859, 1, 0.25f, 128 * 3 * 3 * 256, "10101111100111111111111011111111", 220905);
    check_mask(663261739, 0, 0.5f, 128 * 256, "01010011111001110111000110011111", 16586);
    check_mask(663261739, 1, 0.5f, 128 * 256, "01000100001100001110101110010110", 16291);
}

static void test_unit_any_start(void **state) {
    (void)state;
    struct rng_philox p = rng_stateless(7, 3);
    float whole[200], part[200];
    rng_unit(&p, 0, 200, whole);
    for (int first = 0; first < 40; first++) {
        rng_unit(&p, (uint64_t)first, 200 - first, part);
        assert_memory_equal(part, whole + first, sizeof *part * (size_t)(200 - first));
    }
}

static void test_sample_order(void **state) {
    (void)state;
    static const struct {
        int64_t n, first[4], last, check;
    } order[] = {
        {10, {0, 8, 3, 6}, 7, -1},
        {300, {290, 233, 41, 7}, 275, 6730382},
        {1000, {790, 89, 949, 843}, 829, 246647725},
        {60000, {55790, 50257, 9237, 42706}, 5649, 54002990072052},
    };
    struct rng_philox p = rng_stateful(200, 0);
    int64_t *o = malloc(sizeof *o * 60000);
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        int64_t sum = 0;
        rng_permutation(&p, order[k].n, o);
        for (int64_t i = 0; i < order[k].n; i++) sum += i * o[i];
        for (int i = 0; i < 4; i++) assert_int_equal(o[i], order[k].first[i]);
        assert_int_equal(o[order[k].n - 1], order[k].last);
        if (order[k].check >= 0) assert_int_equal(sum, order[k].check);
    }
    free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mt_words_and_seeds), cmocka_unit_test(test_philox),
        cmocka_unit_test(test_glorot_uniform),     cmocka_unit_test(test_normals),
        cmocka_unit_test(test_dropout_masks),      cmocka_unit_test(test_unit_any_start),
        cmocka_unit_test(test_sample_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
