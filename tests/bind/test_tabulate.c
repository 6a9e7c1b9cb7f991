/* Tables of text: tests/bind/tabulate.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/tabulate.lua");
}
