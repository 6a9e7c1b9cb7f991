/* Layers, variables, tapes, models in Lua: tests/bind/keras.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/keras.lua");
}
