/* Indexing in Lua: tests/bind/tensor_index.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/tensor_index.lua");
}
