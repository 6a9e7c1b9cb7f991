/* Text broken at spaces to fit a terminal. Columns are counted in code points of UTF-8. */
#ifndef BASE_WRAP_H
#define BASE_WRAP_H

#include "base/buf.h"
#include "base/sink.h"

/* One line: breaks at spaces before column `width`, lines after the first begin with `indent` spaces. Words longer than a
 * line stay whole. No line end is added. */
void wrap_line(const char *text, size_t n, int width, int indent, struct buf *out);

/* Each line of `text`, continued below where its text begins: behind the last gap of two or more spaces in its first
 * half (a column of names), or two columns in from the line's own start. */
void wrap_text(const char *text, size_t n, int width, struct buf *out);

/* The same to a stream of the sink, what celda says by itself: on a terminal; elsewhere its lines stay whole. */
void wrap_to(struct sink *s, enum sink_stream stream, const char *text, size_t n);

#endif
