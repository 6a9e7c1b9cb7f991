/* What Keras computed, through the public API: tests/bind/golden.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/golden.lua");
}
