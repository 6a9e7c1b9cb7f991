/* The numbers that a session holds in tensors and variables, copied to compare them with those of another run. */
#ifndef SESSION_NUMBERS_H
#define SESSION_NUMBERS_H

#include "session/session.h"

struct numbers;

/* The values of all variables, and the tensors in session variables and globals (the tables in them included) that were
 * made or written to since the runtime's `epoch`. */
enum status numbers_take(struct session *s, uint64_t epoch, struct numbers **out, struct err *e);
void numbers_free(struct numbers *n);
/* The largest |a - b| over what both have by the same name and shape (NaN where only one of two is), and its name,
 * borrowed from a; NULL: they have nothing in common. */
double numbers_difference(const struct numbers *a, const struct numbers *b, const char **name);

#endif
