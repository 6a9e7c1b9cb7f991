/* Status codes and errors. Invariant: an err that holds a message keeps it until its owner clears it. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

enum status err_vset(struct err *e, enum status status, const char *format, va_list args) {
    if (e->status != OK) return e->status;
    e->status = status;
    vsnprintf(e->text, sizeof e->text, format, args);
    return status;
}

enum status err_set(struct err *e, enum status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    status = err_vset(e, status, format, args);
    va_end(args);
    return status;
}

void err_prefix(struct err *e, const char *format, ...) {
    if (e->status == OK) return;
    char before[sizeof e->text], after[sizeof e->text];
    va_list args;
    va_start(args, format);
    vsnprintf(before, sizeof before, format, args);
    va_end(args);
    memcpy(after, e->text, sizeof after);
    size_t n = (size_t)snprintf(e->text, sizeof e->text, "%s", before);
    if (n < sizeof e->text) snprintf(e->text + n, sizeof e->text - n, ": %s", after);
}

const char *err_name(enum status status) {
    static const char *const names[] = {
        [OK] = "ok",
        [ERR_MEMORY] = "MemoryError",
        [ERR_VALUE] = "ValueError",
        [ERR_TYPE] = "TypeError",
        [ERR_INDEX] = "IndexError",
        [ERR_IO] = "OSError",
        [ERR_NOT_FOUND] = "NameError",
        [ERR_UNSUPPORTED] = "UnsupportedError",
        [ERR_STATE] = "StateError",
        [ERR_CANCELLED] = "KeyboardInterrupt",
        [ERR_TIMEOUT] = "TimeoutError",
    };
    return names[status];
}
