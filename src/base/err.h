/* Status codes and the caller-owned error that every fallible core function fills. The first error wins. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

enum status {
    OK = 0,
    ERR_MEMORY,      /* an allocation was refused; the text names the sizes */
    ERR_VALUE,       /* a value, shape or argument that cannot be used */
    ERR_TYPE,        /* the wrong dtype or kind of thing */
    ERR_INDEX,       /* out of range */
    ERR_IO,          /* a file: missing, unreadable, truncated, corrupt */
    ERR_NOT_FOUND,   /* a name nobody knows */
    ERR_UNSUPPORTED, /* known, but not to be had here; the text says why */
    ERR_STATE,       /* the right call at the wrong time (a model that is not compiled) */
    ERR_CANCELLED,   /* the user interrupted */
    ERR_TIMEOUT,     /* it took longer than it may */
    ERR_LAST = ERR_TIMEOUT,
};

/* Zero-initialise before use: `struct err err = {0};`. */
struct err {
    enum status status;
    char text[1000];
};

/* Records an error unless one is there already, and returns the status that stands. `e` must not be NULL. */
enum status err_set(struct err *e, enum status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
enum status err_vset(struct err *e, enum status status, const char *format, va_list args);

/* Puts "context: " before the message that stands; does nothing when there is none. */
void err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The name a user sees: "MemoryError", "ValueError", "KeyboardInterrupt", ... */
const char *err_name(enum status status);

#endif
