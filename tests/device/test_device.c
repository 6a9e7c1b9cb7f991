/* The registry: drivers by kind, and every slot of their vtables filled. */
#include "device/device.h"

#include "support/test.h"

static void drivers_are_found(void **state) {
    (void)state;
    struct err e = {0};
    struct device *d;
    assert_non_null(device_driver_find("cpu"));
    assert_non_null(device_driver_find("null"));
    assert_null(device_driver_find("cpuu"));
    assert_error(device_open("cpuu", 0, &d, &e), ERR_NOT_FOUND, "did you mean 'cpu'?", &e);
    assert_error(device_open("quantum", 0, &d, &e), ERR_NOT_FOUND, "no device 'quantum'", &e);
    assert_error(device_open("cpu", 3, &d, &e), ERR_UNSUPPORTED, "cpu:3", &e);
}

static void vtables_are_whole(void **state) {
    (void)state;
    for (int i = 0; device_drivers[i]; i++) {
        const struct device_driver *d = device_drivers[i];
        assert_int_equal(d->abi_version, DEVICE_ABI);
        assert_true(d->kind && d->doc && d->open && d->close && d->describe && d->memory && d->reset_peak && d->alloc &&
                    d->free);
        assert_true(d->copy_in && d->copy_out && d->has && d->run && d->compile && d->execute);
        assert_true(d->program_free && d->program_bytes && d->wait && d->sync);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(drivers_are_found), cmocka_unit_test(vtables_are_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
