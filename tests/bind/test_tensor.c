/* Tensors in Lua: tests/bind/tensor.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/tensor.lua");
}
