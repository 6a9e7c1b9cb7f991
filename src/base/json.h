/* JSON through jansson, with errors in our form and one writer whose output is Python's json.dumps. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* A new reference, or NULL with ERR_VALUE "line:column: what is wrong". Any value may stand at the top; object order is
 * kept. NaN, Infinity and -Infinity, which Python writes, become strings that json_special knows. */
json_t *json_parse(const char *text, size_t n, struct err *e);
/* Whether j stands for a number that JSON has not, and which. */
bool json_special(const json_t *j, double *x);
/* As json.dumps writes it: ", " and ": ", non-ASCII escaped unless `utf8`, numbers in the shortest form that reads back
 * the same (0.1, 1e-07). indent 0: one line. */
void json_write(const json_t *j, int indent, bool utf8, struct buf *out);
/* A double as Python's repr: the fewest digits that read back the same, "0.1", "100000.0", "1e-07", "nan", "inf". */
void json_write_double(double x, struct buf *out);

#endif
