/* Members that are called or spelled wrongly: tests/bind/members.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/members.lua");
}
