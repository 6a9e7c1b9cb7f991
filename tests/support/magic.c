/* See magic.h. */
#include "support/magic.h"

struct host host;

int magic_host_open(void **state) {
    (void)state;
    host_open(&host);
    session_set_magic(host.session, magic_run_line, NULL);
    return 0;
}

int magic_host_close(void **state) {
    (void)state;
    host_close(&host);
    return 0;
}
