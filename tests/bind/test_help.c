/* Help texts by name and by value: tests/bind/help.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/help.lua");
}
