/* Callbacks that change the learning rate, keep a log, or end training: tests/bind/callbacks.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/callbacks.lua");
}
