/* What a headless run tells: as text, or with --json as one JSON object a line on standard output:
 *   {"event": "cell", "number": 3, "title": "Train", "line": 41}
 *   {"event": "stream", "name": "stdout", "text": "..."}
 *   {"event": "display", "data": {"text/plain": "...", "image/png": "BASE64"}}
 *   {"event": "error", "name": "ValueError", "text": "...", "line": 2}
 *   {"event": "end", "number": 3, "status": "ok", "wall": 1.2, "cpu": 2.3, "device": "cpu", "rss": ..., "rss_peak": ...,
 *    "ram_limit": ..., "disk_free": ...} */
#ifndef FRONT_RUN_EVENTS_H
#define FRONT_RUN_EVENTS_H

#include "cell/notebook.h"
#include "front/front.h"

struct run_events {
    struct front_console console; /* first: text goes there */
    struct sink lines;            /* --json */
    bool json;
};

void run_events_open(struct run_events *ev, bool json);
struct sink *run_events_sink(struct run_events *ev);
void run_events_begin(struct run_events *ev, int number, const struct cell *c);
/* The error, if there was one, and what the cell cost. */
void run_events_end(struct run_events *ev, int number, const struct cell *c, const struct session_result *r);

#endif
