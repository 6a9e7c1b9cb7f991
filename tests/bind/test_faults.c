/* fit without memory: tests/bind/faults.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/faults.lua");
}
