/* Functional models: tests/bind/functional.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/functional.lua");
}
