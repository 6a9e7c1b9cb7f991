/* A notebook's cell run as its metadata asks. Invariant: afterwards the runtime device is the one before, and no interrupt
 * of the timer's is on its way. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "base/threads.h"
#include "session/internal.h"

/* ---- the timer ------------------------------------------------------------------------------------------------------ */

/* A thread that sleeps until the cell's time is over, or until it is told that the cell has ended. */
struct timer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct timespec limit;
    bool running, ended, fired;
};

static const long AGAIN = 100000000; /* ns: a signal is lost while os.execute runs a program */

static void add_time(struct timespec *t, double seconds) {
    t->tv_sec += (time_t)seconds;
    t->tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
    t->tv_sec += t->tv_nsec / 1000000000;
    t->tv_nsec %= 1000000000;
}

static void *wait_for_limit(void *arg) {
    struct timer *t = arg;
    pthread_mutex_lock(&t->lock);
    while (!t->ended) {
        if (pthread_cond_timedwait(&t->wake, &t->lock, &t->limit) != ETIMEDOUT) continue;
        if (!cancel_requested()) session_interrupt();
        t->fired = true;
        add_time(&t->limit, (double)AGAIN * 1e-9);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void timer_start(struct timer *t, double seconds) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    clock_gettime(CLOCK_MONOTONIC, &t->limit);
    add_time(&t->limit, seconds);
    t->running = threads_start(&t->thread, wait_for_limit, t) == 0;
}

static void timer_stop(struct timer *t) {
    pthread_mutex_lock(&t->lock);
    t->ended = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    if (t->running) pthread_join(t->thread, NULL);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->wake);
}

/* ---- metadata ------------------------------------------------------------------------------------------------------- */

static enum status check_metadata(const struct cell *c, struct err *e) {
    const json_t *timeout = json_object_get(c->metadata, "timeout"), *device = json_object_get(c->metadata, "device");
    if (timeout && !json_is_null(timeout) && cell_timeout(c) == 0)
        return err_set(e, ERR_VALUE, "the cell's timeout must be a number of seconds above 0, as in timeout=600");
    if (device && !json_is_null(device) && !cell_device(c))
        return err_set(e, ERR_VALUE, "the cell's device must be a name, as in device=\"gpu\"");
    return OK;
}

/* The interrupt was the timer's: its error takes the message's place, and the traceback stays. */
static void tell_timeout(const struct cell *c, const char *name, struct session_result *out) {
    struct buf text = {0};
    buf_printf(&text, "TimeoutError: %s %s%stook longer than its timeout of %g s and was stopped", name, c->title,
               *c->title ? " " : "", cell_timeout(c));
    size_t message = text.len;
    buf_put(&text, buf_text(&out->error) + out->message_size, out->error.len - out->message_size);
    buf_free(&out->error);
    out->error = text;
    out->message_size = message;
    out->status = ERR_TIMEOUT;
    snprintf(out->error_name, sizeof out->error_name, "%s", err_name(ERR_TIMEOUT));
}

void session_run_cell(struct session *s, const struct cell *c, const char *name, struct session_result *out) {
    struct session_terms terms = {.device = cell_device(c)};
    struct timer timer = {0};
    double timeout = cell_timeout(c);
    check_metadata(c, &terms.refused);
    if (timeout > 0) timer_start(&timer, timeout);
    session_run_under(s, c->source, c->size, name, &terms, out);
    if (timeout > 0) timer_stop(&timer);
    if (timer.fired && s->depth == 0) session_interrupt_clear();
    if (timer.fired && out->status == ERR_CANCELLED) tell_timeout(c, name, out);
}
