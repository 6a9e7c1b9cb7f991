/* Files of a test, in the folder that the runner gives it, and bytes damaged in ways that repeat. */
#ifndef SUPPORT_FILE_H
#define SUPPORT_FILE_H

#include <stddef.h>

/* The path of `name` in the test's folder; good until the next call. */
const char *test_path(const char *name);
/* Writes a file there and returns its path. */
const char *test_file(const char *name, const void *bytes, size_t n);
/* A copy, of exactly its size, with one to four bytes changed and half the time cut short. The caller frees it. */
unsigned char *test_damage(const void *bytes, size_t *n, unsigned seed);

#endif
