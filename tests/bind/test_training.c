/* compile, fit, evaluate, predict: tests/bind/training.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/training.lua");
}
