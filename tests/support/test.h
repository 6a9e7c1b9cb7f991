/* What every test program includes: cmocka, and checks of statuses that show the message. */
#ifndef SUPPORT_TEST_H
#define SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

/* The call succeeded, else the message is shown. */
#define assert_ok(CALL, ERR)                                                                                           \
    do {                                                                                                               \
        if ((CALL) != OK || (ERR)->status != OK) fail_msg("%s: %s", #CALL, (ERR)->text);                               \
    } while (0)

/* The call failed with this status and a message that contains TEXT; the error is cleared. */
#define assert_error(CALL, STATUS, TEXT, ERR)                                                                          \
    do {                                                                                                               \
        assert_int_equal((CALL), (STATUS));                                                                            \
        if (!strstr((ERR)->text, (TEXT))) fail_msg("\"%s\" is not in \"%s\"", (TEXT), (ERR)->text);                    \
        *(ERR) = (struct err){0};                                                                                      \
    } while (0)

/* The address of a shape, for the length of the enclosing block: SHAPE_AT(2, 3). */
#define SHAPE_AT(...) (&(const struct shape){sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), {__VA_ARGS__}})

#endif
