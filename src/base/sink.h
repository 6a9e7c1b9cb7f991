/* The one way output travels up: whoever faces the user (REPL, headless run, Jupyter) implements a sink. */
#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <stdbool.h>
#include <stddef.h>

enum sink_stream { SINK_OUT, SINK_ERR, SINK_STATUS };

/* One representation of a displayed value. */
struct sink_mime {
    const char *type; /* "text/plain", "image/png", ... */
    const char *data;
    size_t size;
};

struct sink {
    /* Bytes of a stream, as they come. SINK_STATUS carries lines about the run (time, RAM), never a cell's output. */
    void (*text)(struct sink *s, enum sink_stream stream, const char *bytes, size_t n);
    /* The value of a cell's last expression, or a rich output; the sink picks the representation it can show. */
    void (*display)(struct sink *s, const struct sink_mime *bundle, int n);
    /* A line that replaces the one before it; a text that follows takes it away, and so does an empty one. Only called
     * when `redraws`. */
    void (*progress)(struct sink *s, const char *line, size_t n);
    /* Clears the running cell's output. */
    void (*clear)(struct sink *s);
    /* Shows what it held back and brings the fields below up to date; NULL where nothing is held back. */
    void (*flush)(struct sink *s);
    bool redraws; /* can replace a line: a terminal */
    bool colour;
    int colours; /* that a cell of the screen can have: 16, 256 or 1 << 24; 0: none */
    bool quiet;  /* values of last expressions are not shown: a script */
    bool closed; /* set by its owner: nobody reads any more, so what writes on should stop with an error */
    int width;   /* columns; kept up to date by its owner */
};

/* What a sink's user reads there, taken over from the sink behind it. */
static inline void sink_follow(struct sink *s, const struct sink *behind) {
    s->redraws = behind->redraws;
    s->colour = behind->colour;
    s->colours = behind->colours;
    s->quiet = behind->quiet;
    s->closed = behind->closed;
    s->width = behind->width;
}

static inline void sink_flush(struct sink *s) {
    if (s->flush) s->flush(s);
}

#endif
