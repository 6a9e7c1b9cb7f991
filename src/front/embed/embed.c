/* The public C API over a session: output goes to the host's callback, errors are kept as text. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "celda/celda.h"
#include "session/session.h"

struct celda {
    struct sink sink; /* first: the session hands it back */
    celda_output *output;
    void *arg;
    struct session *session;
    struct session_result last;
};

static void embed_text(struct sink *s, enum sink_stream stream, const char *bytes, size_t n) {
    struct celda *c = (struct celda *)s;
    if (stream != SINK_STATUS) c->output(c->arg, stream == SINK_ERR ? CELDA_ERR : CELDA_OUT, bytes, n);
}

/* A host without a screen of its own is given the plain text. */
static void embed_display(struct sink *s, const struct sink_mime *bundle, int n) {
    for (int i = 0; i < n; i++) {
        if (strcmp(bundle[i].type, "text/plain") != 0) continue;
        embed_text(s, SINK_OUT, bundle[i].data, bundle[i].size);
        embed_text(s, SINK_OUT, "\n", 1);
        return;
    }
}

static void embed_progress(struct sink *s, const char *line, size_t n) {
    (void)s, (void)line, (void)n; /* never called: redraws is false */
}

static void embed_clear(struct sink *s) {
    (void)s;
}

struct celda *celda_open(celda_output *output, void *arg, char *error, size_t error_size) {
    struct err e = {0};
    struct celda *c = mem_zalloc(sizeof *c, &e);
    if (c) {
        c->sink = (struct sink){embed_text, embed_display, embed_progress, embed_clear, .width = 80};
        c->output = output;
        c->arg = arg;
        if (session_open(&c->sink, &c->session, &e) == OK) return c;
        mem_free(c);
    }
    if (error && error_size) snprintf(error, error_size, "%s", e.text);
    return NULL;
}

void celda_close(struct celda *c) {
    if (!c) return;
    session_close(c->session);
    buf_free(&c->last.error);
    mem_free(c);
}

int celda_run(struct celda *c, const char *source, const char *name) {
    buf_free(&c->last.error);
    session_run(c->session, source, strlen(source), name, &c->last);
    return c->last.status == OK ? 0 : -1;
}

const char *celda_error(const struct celda *c) {
    return buf_text(&c->last.error);
}
void celda_interrupt(void) {
    session_interrupt();
}
const char *celda_version(void) {
    return CELDA_VERSION;
}
