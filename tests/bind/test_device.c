/* device(NAME) and training across a move: tests/bind/device.lua, where there is an OpenCL device. */
#include <stdio.h>

#include "device/device.h"
#include "support/host.h"

int main(void) {
    struct err e = {0};
    struct device *d;
    if (device_open("opencl", 0, &d, &e) != OK) {
        printf("[  SKIPPED ] no OpenCL device: %s\n", e.text);
        return 0;
    }
    d->driver->close(d);
    return host_main("tests/bind/device.lua");
}
