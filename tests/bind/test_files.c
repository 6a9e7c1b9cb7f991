/* Files and data sets in Lua: tests/bind/files.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/files.lua");
}
