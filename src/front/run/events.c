/* Events of a headless run. Invariant: with --json standard output holds nothing but one object a line. */
#include "front/run/events.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"

static struct run_events *events_of(struct sink *s) {
    return (struct run_events *)((char *)s - offsetof(struct run_events, lines));
}

/* Writes an object as one line and gives its reference back. */
static void put_object(struct run_events *ev, json_t *object) {
    struct buf line = {0};
    if (!object) return;
    json_write(object, 0, true, &line);
    buf_putc(&line, '\n');
    ev->console.sink.text(&ev->console.sink, SINK_OUT, buf_text(&line), line.len);
    ev->lines.closed = ev->console.sink.closed;
    buf_free(&line);
    json_decref(object);
}

static void lines_text(struct sink *s, enum sink_stream stream, const char *bytes, size_t n) {
    if (stream == SINK_STATUS) return;
    put_object(events_of(s),
               json_pack("{s:s, s:s, s:o}", "event", "stream", "name", stream == SINK_OUT ? "stdout" : "stderr", "text",
                         json_stringn_nocheck(bytes, n)));
}

static void lines_display(struct sink *s, const struct sink_mime *bundle, int n) {
    json_t *data = json_object();
    for (int i = 0; i < n; i++) {
        struct buf encoded = {0};
        bool binary = strcmp(bundle[i].type, "image/png") == 0;
        if (binary) base64_encode(bundle[i].data, bundle[i].size, &encoded);
        json_object_set_new(data, bundle[i].type,
                            binary ? json_stringn_nocheck(buf_text(&encoded), encoded.len)
                                   : json_stringn_nocheck(bundle[i].data, bundle[i].size));
        buf_free(&encoded);
    }
    put_object(events_of(s), json_pack("{s:s, s:o}", "event", "display", "data", data));
}

static void lines_progress(struct sink *s, const char *line, size_t n) {
    (void)s, (void)line, (void)n;
}
static void lines_clear(struct sink *s) {
    put_object(events_of(s), json_pack("{s:s}", "event", "clear"));
}

void run_events_open(struct run_events *ev, bool json) {
    front_console_open(&ev->console);
    ev->console.status = true;
    ev->json = json;
    ev->lines = (struct sink){lines_text, lines_display, lines_progress, lines_clear, .width = 80};
}

struct sink *run_events_sink(struct run_events *ev) {
    return ev->json ? &ev->lines : &ev->console.sink;
}

void run_events_begin(struct run_events *ev, int number, const struct cell *c) {
    if (ev->json) {
        put_object(ev, json_pack("{s:s, s:i, s:s, s:i}", "event", "cell", "number", number, "title", c->title, "line",
                                 c->line));
        return;
    }
    struct buf line = {0};
    buf_printf(&line, "%s[%d] %s%s\n", ev->console.sink.colour ? "\033[1m" : "", number, c->title,
               ev->console.sink.colour ? "\033[0m" : "");
    ev->console.sink.text(&ev->console.sink, SINK_STATUS, buf_text(&line), line.len);
    buf_free(&line);
}

static void end_object(struct run_events *ev, int number, const struct session_result *r) {
    const struct session_resources *a = &r->before, *b = &r->after;
    if (r->status)
        put_object(ev, json_pack("{s:s, s:s, s:s, s:i}", "event", "error", "name", err_name(r->status), "text",
                                 buf_text(&r->error), "line", r->error_line));
    put_object(ev, json_pack("{s:s, s:i, s:s, s:f, s:f, s:s, s:I, s:I, s:I, s:I}", "event", "end", "number", number,
                             "status", r->status ? "error" : "ok", "wall", b->wall - a->wall, "cpu", b->cpu - a->cpu,
                             "device", r->device, "rss", (json_int_t)b->rss, "rss_peak", (json_int_t)b->rss_peak,
                             "ram_limit", (json_int_t)b->ram_limit, "disk_free", (json_int_t)b->disk_free));
}

static void end_text(struct run_events *ev, int number, const struct cell *c, const struct session_result *r) {
    struct sink *sink = &ev->console.sink;
    struct buf text = {0};
    char name[32];
    snprintf(name, sizeof name, "[%d]", number);
    if (r->status) {
        buf_puts(&text, buf_text(&r->error));
        buf_printf(&text, "cell [%d] %s%sfailed (line %d of the file)\n", number, c->title, *c->title ? " " : "",
                   c->line + (r->error_line > 0 ? r->error_line - 1 : 0));
        sink->text(sink, SINK_ERR, buf_text(&text), text.len);
        text.len = 0;
    }
    buf_puts(&text, sink->colour ? "\033[2m" : "");
    front_status_line(r, name, sink->width, &text);
    buf_puts(&text, sink->colour ? "\033[0m\n" : "\n");
    sink->text(sink, SINK_STATUS, buf_text(&text), text.len);
    buf_free(&text);
}

void run_events_end(struct run_events *ev, int number, const struct cell *c, const struct session_result *r) {
    if (ev->json)
        end_object(ev, number, r);
    else
        end_text(ev, number, c, r);
}
