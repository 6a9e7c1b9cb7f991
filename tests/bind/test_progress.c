/* Keras's progress lines: tests/bind/progress.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/progress.lua");
}
