/* Measured choices: taken from the record, kept on disk for this processor, and harmless where the file is damaged. */
#include <stdio.h>
#include <stdlib.h>

#include "base/state.h"
#include "device/cpu/conv_tune.h"
#include "device/cpu/tuned.h"
#include "support/cpu.h"
#include "support/file.h"

static const struct cpu_conv plain = {.dtype = DT_FLOAT32,
                                      .n = 2,
                                      .h = 8,
                                      .w = 8,
                                      .c = 16,
                                      .kh = 3,
                                      .kw = 3,
                                      .o = 16,
                                      .oh = 8,
                                      .ow = 8,
                                      .stride = {1, 1},
                                      .dilation = {1, 1},
                                      .before = {1, 1},
                                      .groups = 1};

static struct cpu *open_cpu(void) {
    struct err e = {0};
    struct device *d;
    assert_ok(cpu_open(NULL, 1, &d, &e), &e);
    return (struct cpu *)d;
}

static void close_cpu(struct cpu *c) {
    c->base.driver->close(&c->base);
}

static const struct cpu_conv_algorithm *algorithm(const char *name) {
    const struct cpu_conv_algorithm *a = cpu_conv_find(name);
    if (!a) fail_msg("no algorithm %s", name);
    return a;
}

static void test_each_pass_is_measured_once(void **state) {
    struct cpu *c = open_cpu();
    (void)state;
    for (enum cpu_conv_pass pass = CPU_CONV_FORWARD; pass <= CPU_CONV_GRAD_KERNEL; pass++) {
        struct err e = {0};
        struct buf said = {0};
        assert_ok(cpu_conv_tune(c, &plain, pass, &said, &e), &e);
        assert_non_null(strstr(buf_text(&said), "im2col "));
        assert_non_null(strstr(buf_text(&said), " ms"));
        size_t once = said.len;
        assert_ok(cpu_conv_tune(c, &plain, pass, &said, &e), &e);
        assert_int_equal(said.len, once);
        assert_ptr_equal(cpu_conv_choose(c, &plain, pass), cpu_tuned_find(c, &plain, pass));
        buf_free(&said);
    }
    assert_int_equal(cpu_tuned_count(c), 3);
    close_cpu(c);
}

static void test_the_record_is_kept(void **state) {
    struct err e = {0};
    struct cpu *c = open_cpu();
    (void)state;
    const struct cpu_conv_algorithm *estimated = cpu_conv_choose(c, &plain, CPU_CONV_FORWARD);
    const struct cpu_conv_algorithm *other = algorithm(strcmp(estimated->name, "im2col") ? "im2col" : "direct");
    assert_ok(cpu_tuned_add(c, &plain, CPU_CONV_FORWARD, other, &e), &e);
    assert_ptr_equal(cpu_conv_choose(c, &plain, CPU_CONV_FORWARD), other);
    assert_ok(cpu_tuned_write(c, &e), &e);
    close_cpu(c);

    c = open_cpu();
    assert_int_equal(cpu_tuned_count(c), 0);
    cpu_tuned_read(c);
    assert_int_equal(cpu_tuned_count(c), 1);
    assert_ptr_equal(cpu_conv_choose(c, &plain, CPU_CONV_FORWARD), other);
    assert_null(cpu_tuned_find(c, &plain, CPU_CONV_GRAD_INPUT));
    cpu_tuned_clear(c);
    assert_ptr_equal(cpu_conv_choose(c, &plain, CPU_CONV_FORWARD), estimated);
    close_cpu(c);
}

static void test_what_an_algorithm_cannot_do_is_not_taken(void **state) {
    struct err e = {0};
    struct cpu *c = open_cpu();
    struct cpu_conv strided = plain;
    (void)state;
    strided.stride[0] = strided.stride[1] = 2;
    strided.oh = strided.ow = 4;
    assert_ok(cpu_tuned_add(c, &strided, CPU_CONV_FORWARD, algorithm("winograd"), &e), &e);
    assert_null(cpu_tuned_find(c, &strided, CPU_CONV_FORWARD));
    close_cpu(c);
}

static void test_a_damaged_file_is_none(void **state) {
    char path[600];
    struct buf text = {0};
    struct err e = {0};
    struct cpu *c = open_cpu();
    (void)state;
    assert_ok(cpu_tuned_add(c, &plain, CPU_CONV_FORWARD, algorithm("im2col"), &e), &e);
    assert_ok(cpu_tuned_write(c, &e), &e);
    assert_ok(state_path("tuned.json", path, sizeof path, &e), &e);
    assert_ok(buf_read_file(&text, path, &e), &e);
    for (unsigned seed = 0; seed < 200; seed++) {
        size_t n = text.len;
        unsigned char *bytes = test_damage(text.data, &n, seed);
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        fwrite(bytes, 1, n, f);
        fclose(f);
        free(bytes);
        cpu_tuned_clear(c);
        cpu_tuned_read(c);
        assert_non_null(cpu_conv_choose(c, &plain, CPU_CONV_FORWARD));
    }
    buf_free(&text);
    close_cpu(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_pass_is_measured_once),
        cmocka_unit_test(test_the_record_is_kept),
        cmocka_unit_test(test_what_an_algorithm_cannot_do_is_not_taken),
        cmocka_unit_test(test_a_damaged_file_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
