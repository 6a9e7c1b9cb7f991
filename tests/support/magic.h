/* A session that knows the magics, as a fixture: cmocka's setup and teardown. */
#ifndef SUPPORT_MAGIC_H
#define SUPPORT_MAGIC_H

#include "magic/magic.h"
#include "support/host.h"
#include "support/test.h"

extern struct host host;

int magic_host_open(void **state);
int magic_host_close(void **state);

#endif
