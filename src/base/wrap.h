/* Text broken at spaces to fit a terminal. Columns are counted in code points of UTF-8. */
#ifndef BASE_WRAP_H
#define BASE_WRAP_H

#include "base/buf.h"

/* One line: breaks at spaces before column `width`, lines after the first begin with `indent` spaces. Words longer than a
 * line stay whole. No line end is added. */
void wrap_line(const char *text, size_t n, int width, int indent, struct buf *out);

/* Each line of `text`, continued below where its text begins: behind the last gap of two or more spaces in its first
 * half (a column of names), or two columns in from the line's own start. */
void wrap_text(const char *text, size_t n, int width, struct buf *out);

#endif
