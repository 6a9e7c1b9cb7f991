/* Invariant: what waits is of one stream, the sink behind has seen none of it, and it sees nothing else before. */
#include "base/pace.h"

#include <pthread.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/threads.h"

enum {
    LATEST = 5000000, /* ns */
    MOST = 1 << 16    /* bytes that wait */
};

struct pace {
    struct sink sink; /* first */
    struct sink *to;
    pthread_t thread;
    bool running;

    pthread_mutex_t lock; /* of all below, and of every call of `to` */
    pthread_cond_t wake;
    bool stop;
    enum sink_stream stream;
    struct buf waits;
    double last; /* when text was passed on */
};

static void pass_on(struct pace *p) {
    if (!p->waits.len) return;
    p->to->text(p->to, p->stream, p->waits.data, p->waits.len);
    p->waits.len = 0;
    p->last = clock_now();
}

static void *pass_on_late(void *arg) {
    static const struct timespec nap = {.tv_nsec = LATEST};
    struct pace *p = arg;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        if (!p->waits.len) {
            pthread_cond_wait(&p->wake, &p->lock);
            continue;
        }
        pthread_mutex_unlock(&p->lock);
        nanosleep(&nap, NULL);
        pthread_mutex_lock(&p->lock);
        pass_on(p);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- the sink -------------------------------------------------------------------------------------------------------- */

static struct pace *enter(struct sink *s) {
    struct pace *p = (struct pace *)s;
    pthread_mutex_lock(&p->lock);
    return p;
}

/* The fields are read by the thread that calls, so it alone writes them. */
static void leave(struct pace *p) {
    sink_follow(&p->sink, p->to);
    pthread_mutex_unlock(&p->lock);
}

static void show_now(struct pace *p, enum sink_stream stream, const char *bytes, size_t n) {
    pass_on(p);
    p->to->text(p->to, stream, bytes, n);
    p->last = clock_now();
}

/* Whether text that comes now is part of a burst, and somebody is there to pass it on. */
static bool may_wait(struct pace *p) {
    if (p->waits.len) return true;
    if (clock_now() - p->last >= LATEST * 1e-9) return false;
    if (!p->running) p->running = threads_start(&p->thread, pass_on_late, p) == 0;
    return p->running;
}

static void pace_text(struct sink *s, enum sink_stream stream, const char *bytes, size_t n) {
    struct pace *p = enter(s);
    if (stream != p->stream) pass_on(p);
    p->stream = stream;
    if (!may_wait(p)) {
        show_now(p, stream, bytes, n);
    } else {
        if (!p->waits.len) pthread_cond_signal(&p->wake);
        buf_put(&p->waits, bytes, n);
        if (p->waits.failed) {
            p->waits.failed = false;
            show_now(p, stream, bytes, n);
        }
        if (p->waits.len >= MOST) pass_on(p);
    }
    leave(p);
}

static void pace_display(struct sink *s, const struct sink_mime *bundle, int n) {
    struct pace *p = enter(s);
    pass_on(p);
    p->to->display(p->to, bundle, n);
    leave(p);
}

static void pace_progress(struct sink *s, const char *line, size_t n) {
    struct pace *p = enter(s);
    pass_on(p);
    p->to->progress(p->to, line, n);
    leave(p);
}

static void pace_clear(struct sink *s) {
    struct pace *p = enter(s);
    pass_on(p);
    p->to->clear(p->to);
    leave(p);
}

static void pace_flush(struct sink *s) {
    struct pace *p = enter(s);
    pass_on(p);
    sink_flush(p->to);
    leave(p);
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

enum status pace_open(struct sink *to, struct pace **out, struct err *e) {
    struct pace *p = mem_zalloc(sizeof *p, e);
    if (!p) return e->status;
    p->sink = (struct sink){.text = pace_text,
                            .display = pace_display,
                            .progress = pace_progress,
                            .clear = pace_clear,
                            .flush = pace_flush};
    p->to = to;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    sink_follow(&p->sink, to);
    *out = p;
    return OK;
}

struct sink *pace_sink(struct pace *p) {
    return &p->sink;
}

void pace_close(struct pace *p) {
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    pass_on(p);
    p->stop = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    if (p->running) pthread_join(p->thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    buf_free(&p->waits);
    mem_free(p);
}
