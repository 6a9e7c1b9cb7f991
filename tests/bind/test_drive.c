/* drive.mount in Lua: tests/bind/drive.lua, with stand-ins for rclone and what unmounts. */
#include <stdio.h>
#include <stdlib.h>

#include "support/file.h"
#include "support/host.h"

/* What the tests write there, and what they link, is all that a shell finds. */
int main(void) {
    char path[600];
    snprintf(path, sizeof path, "%s", test_path("bin"));
    setenv("PATH_BEFORE", getenv("PATH"), 1);
    setenv("PATH", path, 1);
    return host_main("tests/bind/drive.lua");
}
