/* Compiled training against the same ops one by one, for networks drawn at random: tests/bind/random_models.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/random_models.lua");
}
