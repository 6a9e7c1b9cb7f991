/* Models in files, and training that is interrupted: tests/bind/backup.lua. */
#include "support/host.h"

int main(void) {
    return host_main("tests/bind/backup.lua");
}
