/* Plots in Lua: tests/bind/plot.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/plot.lua");
}
