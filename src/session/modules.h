/* The Lua modules embedded in the binary (lua/ in the sources). The table ends with a NULL name. */
#ifndef SESSION_MODULES_H
#define SESSION_MODULES_H

#include <stddef.h>

struct session_module {
    const char *name;   /* as `require` takes it: "keras.callbacks" */
    const char *source; /* Lua text, NUL-terminated */
    size_t size;
    const char *path; /* where the source stands in the repository */
};

extern const struct session_module session_modules[];

#endif
