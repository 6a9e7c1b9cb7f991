/* A file written on another thread holds the bytes as they were when it began, whoever writes to them since. */
#include "tensor/save_job.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "device/device.h"
#include "support/file.h"
#include "support/test.h"

static struct device *cpu;

static struct tensor *ones(int64_t n) {
    struct err e = {0};
    struct tensor *t;
    assert_ok(tensor_new(cpu, DT_UINT8, SHAPE_AT(n), &t, &e), &e);
    memset(tensor_data(t), 1, (size_t)n);
    return t;
}

static struct save_job *start(const char *path, struct tensor *t) {
    struct err e = {0};
    struct save_job *j;
    struct safetensors_entry entry = {.name = "t", .tensor = t};
    assert_ok(save_job_start(cpu, path, &entry, 1, json_object(), &j, &e), &e);
    return j;
}

static void writing_waits_for_the_file(void **state) {
    (void)state;
    enum { N = 4000000 };
    struct err e = {0};
    struct safetensors s;
    struct tensor *t = ones(N);
    for (int round = 0; round < 5; round++) {
        struct save_job *j = start(test_path("j.safetensors"), t);
        assert_ok(storage_begin_write(t->storage, &e), &e);
        memset(tensor_data(t), 2, N);
        assert_ok(save_job_finish(j, &e), &e);
        assert_ok(safetensors_load(cpu, test_path("j.safetensors"), &s, &e), &e);
        const unsigned char *bytes = tensor_data(s.entry[0].tensor);
        for (int i = 0; i < N; i++)
            if (bytes[i] != 1) fail_msg("byte %d was written to", i);
        safetensors_free(&s);
        memset(tensor_data(t), 1, N);
    }
    tensor_release(t);
}

static void *write_to(void *arg) {
    struct err e = {0};
    storage_begin_write(arg, &e);
    return NULL;
}

static void a_held_storage_is_not_written_to(void **state) {
    (void)state;
    struct tensor *t = ones(1);
    pthread_t thread;
    storage_hold(t->storage);
    assert_int_equal(pthread_create(&thread, NULL, write_to, t->storage), 0);
    usleep(30000);
    assert_int_equal(t->storage->version, 0);
    storage_let_go(t->storage);
    pthread_join(thread, NULL);
    assert_int_equal(t->storage->version, 1);
    tensor_release(t);
}

static void errors_come_at_the_end(void **state) {
    (void)state;
    struct err e = {0};
    struct tensor *t = ones(10);
    assert_error(save_job_finish(start("/nowhere/x", t), &e), ERR_IO, "/nowhere/x", &e);
    file_fail(2, EIO);
    assert_error(save_job_finish(start(test_path("k.safetensors"), t), &e), ERR_IO, "Input/output", &e);
    file_fail(0, 0);
    for (size_t n = 1;; n++) {
        struct save_job *j = NULL;
        struct safetensors_entry entry = {.name = "t", .tensor = t};
        mem_fail_once(n);
        if (save_job_start(cpu, test_path("k.safetensors"), &entry, 1, json_object(), &j, &e) == OK)
            save_job_finish(j, &e);
        bool reached = mem_fail_once(0) >= n;
        if (reached) assert_true(e.status == ERR_MEMORY || e.status == OK);
        e = (struct err){0};
        if (!reached) break;
    }
    assert_int_equal(t->storage->holds, 0);
    assert_int_equal(t->refs, 1);
    tensor_release(t);
}

static int open_cpu(void **state) {
    (void)state;
    struct err e = {0};
    return device_open("cpu", 0, &cpu, &e);
}

static int close_cpu(void **state) {
    (void)state;
    cpu->driver->close(cpu);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(writing_waits_for_the_file),
                                       cmocka_unit_test(a_held_storage_is_not_written_to),
                                       cmocka_unit_test(errors_come_at_the_end)};
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
