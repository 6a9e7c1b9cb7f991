/* Sessions for tests. */
#include "support/host.h"

#include <stdio.h>

#include "support/test.h"

static void host_text(struct sink *s, enum sink_stream stream, const char *bytes, size_t n) {
    if (stream != SINK_STATUS) buf_put(&((struct host *)s)->out, bytes, n);
}

static void host_display(struct sink *s, const struct sink_mime *bundle, int n) {
    struct host *h = (struct host *)s;
    for (int i = 0; i < n; i++)
        if (strcmp(bundle[i].type, "text/plain") == 0) buf_put(&h->out, bundle[i].data, bundle[i].size);
    buf_putc(&h->out, '\n');
}

static void host_progress(struct sink *s, const char *line, size_t n) {
    host_text(s, SINK_OUT, line, n);
}
static void host_clear(struct sink *s) {
    buf_free(&((struct host *)s)->out);
}

void host_open(struct host *h) {
    struct err e = {0};
    *h = (struct host){.sink = {host_text, host_display, host_progress, host_clear, .width = 80}};
    assert_ok(session_open(&h->sink, &h->session, &e), &e);
}

void host_close(struct host *h) {
    session_close(h->session);
    buf_free(&h->out);
}

enum status host_run(struct host *h, const char *source) {
    struct session_result r;
    char name[16];
    snprintf(name, sizeof name, "[%d]", ++h->cells);
    buf_free(&h->out);
    session_run(h->session, source, strlen(source), name, &r);
    buf_put(&h->out, buf_text(&r.error), r.error.len);
    buf_free(&r.error);
    return r.status;
}

void host_expect(struct host *h, const char *source, const char *shown) {
    if (host_run(h, source) != OK) fail_msg("%s\nfailed:\n%s", source, buf_text(&h->out));
    while (h->out.len && h->out.data[h->out.len - 1] == '\n') h->out.data[--h->out.len] = 0;
    assert_string_equal(buf_text(&h->out), shown);
}

void host_fails(struct host *h, const char *source, const char *text) {
    if (host_run(h, source) == OK) fail_msg("%s\ndid not fail but showed:\n%s", source, buf_text(&h->out));
    if (!strstr(buf_text(&h->out), text)) fail_msg("%s\nshows no '%s':\n%s", source, text, buf_text(&h->out));
}

void host_run_file(struct host *h, const char *path) {
    struct buf source = {0};
    struct err e = {0};
    assert_ok(buf_read_file(&source, path, &e), &e);
    if (host_run(h, buf_text(&source)) != OK) fail_msg("%s:\n%s", path, buf_text(&h->out));
    buf_free(&source);
}
