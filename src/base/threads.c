/* The pool. Invariant: each chunk is claimed once, by its worker or by one that has done its own, and who computes which
 * says nothing of results; between loops workers look for the next one for 150 us, since waking a thread takes as long,
 * and then sleep on a condition and use no time; a loop waits for the workers that joined it alone, so one that the system
 * does not schedule delays nobody. */
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/subnormal.h"

enum { MAX_THREADS = 256, PAUSES = 100 /* between two looks at the clock: 2 to 4 us */ };
static const double LOOK = 150e-6; /* seconds; a third of that: 3 % more of the tutorial's step, 2 % of an MLP's */

struct worker {
    struct threads *pool;
    int number;
    int maker; /* the core of who started it */
    pthread_t thread;
};

/* A worker's own items of a loop, which others take too when they have done theirs. */
struct share {
    atomic_int_least64_t next; /* the next chunk's first item */
    int64_t end;
    char apart[48]; /* each in its own cache line */
};

struct threads {
    int count, started; /* workers beside the caller: count - 1 when all are started */
    struct worker *worker;
    struct share *share; /* `count` */
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    /* These change with the lock held, and are looked at without. */
    atomic_uint_least64_t loop; /* counts loops: a worker joins each at most once */
    atomic_bool open;           /* the loop may still be joined */
    atomic_int running;         /* workers that joined and have not finished */
    bool stop;
    bool flush;  /* loops flush subnormal numbers */
    bool finish; /* loops are not cancelled */
    double look; /* how long to look for what is expected, before sleeping; seconds */
    threads_fn *fn;
    void *arg;
    int64_t grain, least; /* items of a chunk: so many, fewer towards the end */
    atomic_bool cancelled;
};

static _Thread_local bool inside; /* a chunk is running on this thread: a nested loop runs here alone, */
static _Thread_local int self;    /* as this worker */

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

int threads_available(void) {
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "r");
    long long quota, period;
    if (f && fscanf(f, "%lld %lld", &quota, &period) == 2 && period > 0) {
        const int64_t share = ceil_div(quota, period);
        if (share >= 1 && share < cores) cores = (int)share;
    }
    if (f) fclose(f);
    return cores < 1 ? 1 : cores;
}

/* The items of the next chunk, of `left`: about half of them at most, so that the last to end is late by `least` only: a
 * training step of the tutorial's network takes 1 to 4 % less. */
static int64_t chunk_of(const struct threads *t, int64_t left) {
    const int64_t half = ceil_div(left, 2 * t->least) * t->least;
    const int64_t items = half < t->grain ? half : t->grain;
    return items < left ? items : left;
}

/* Whether the share was run to its end. */
static bool run_share(struct threads *t, struct share *s, int worker) {
    int64_t begin = atomic_load_explicit(&s->next, memory_order_relaxed);
    while (begin < s->end) {
        const int64_t end = begin + chunk_of(t, s->end - begin);
        if (!atomic_compare_exchange_weak_explicit(&s->next, &begin, end, memory_order_relaxed, memory_order_relaxed))
            continue;
        if (!t->finish && cancel_requested()) {
            t->cancelled = true;
            return false;
        }
        t->fn(t->arg, begin, end, worker);
        begin = atomic_load_explicit(&s->next, memory_order_relaxed);
    }
    return true;
}

static void run_chunks(struct threads *t, int worker) {
    const uint64_t before = t->flush ? subnormal_flush() : 0;
    inside = true;
    self = worker;
    for (int i = 0; i < t->count; i++)
        if (!run_share(t, &t->share[(worker + i) % t->count], worker)) break;
    inside = false;
    self = 0;
    if (t->flush) subnormal_restore(before);
}

static void pause_a_moment(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Whether there is a loop to join, or no worker left in this one. */
typedef bool ready_fn(const struct threads *t, uint64_t last);
static bool is_next(const struct threads *t, uint64_t last) {
    return t->loop != last && t->open;
}
static bool is_over(const struct threads *t, uint64_t last) {
    (void)last;
    return t->running == 0;
}

/* An MLP's step of 3 ms has 50 loops: a quarter of it was waking. */
static void look_for(const struct threads *t, ready_fn *ready, uint64_t last) {
    if (t->look == 0) return;
    for (const double until = clock_now() + t->look; clock_now() < until;)
        for (int i = 0; i < PAUSES; i++) {
            if (ready(t, last)) return;
            pause_a_moment();
        }
}

/* Goes to the core that is `number` after the maker's, and may go on from there. Left to the system a new worker stayed
 * on its maker's core for 100 ms in 3 of 10 starts, the other core idle: 12 steps of an MLP then took 65 to 87 ms
 * instead of 36. */
static void settle(const struct worker *w) {
    cpu_set_t all, one;
    if (w->maker < 0 || sched_getaffinity(0, sizeof all, &all)) return;
    int core = w->maker;
    for (int left = w->number % CPU_COUNT(&all); left > 0;) {
        core = (core + 1) % CPU_SETSIZE;
        left -= CPU_ISSET(core, &all) != 0;
    }
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    if (sched_setaffinity(0, sizeof one, &one) == 0) sched_setaffinity(0, sizeof all, &all);
}

static void *work(void *arg) {
    struct worker *w = arg;
    struct threads *t = w->pool;
    uint64_t last = 0;
    settle(w);
    pthread_mutex_lock(&t->lock);
    for (;;) {
        while ((t->loop == last || !t->open) && !t->stop) pthread_cond_wait(&t->work, &t->lock);
        if (t->stop) break;
        last = t->loop;
        t->running++;
        pthread_mutex_unlock(&t->lock);
        run_chunks(t, w->number);
        pthread_mutex_lock(&t->lock);
        if (--t->running == 0) pthread_cond_signal(&t->done);
        pthread_mutex_unlock(&t->lock);
        look_for(t, is_next, last);
        pthread_mutex_lock(&t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

int threads_start(pthread_t *out, void *(*fn)(void *arg), void *arg) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(out, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* A thread that cannot be had is no error: those that run do its work. Called with the lock held. */
static void start_workers(struct threads *t) {
    while (t->started < t->count - 1) {
        struct worker *w = &t->worker[t->started];
        *w = (struct worker){.pool = t, .number = t->started + 1, .maker = sched_getcpu()};
        if (threads_start(&w->thread, work, w)) {
            t->count = t->started + 1;
            break;
        }
        t->started++;
    }
}

/* The number that the environment sets, or that of the cores; at most MAX_THREADS. */
static enum status choose_count(int *out, struct err *e) {
    const char *set = getenv("CELDA_THREADS");
    char *end;
    long n = set && *set ? strtol(set, &end, 10) : threads_available();
    if (set && *set && (*end || n < 1))
        return err_set(e, ERR_VALUE, "CELDA_THREADS=%.60s: a number of threads is a whole number from 1 on", set);
    *out = n < MAX_THREADS ? (int)n : MAX_THREADS;
    return OK;
}

enum status threads_open(int n, struct threads **out, struct err *e) {
    if (n <= 0 && choose_count(&n, e) != OK) return e->status;
    if (n > MAX_THREADS) n = MAX_THREADS;
    struct threads *t = mem_zalloc(sizeof *t, e);
    if (!t) return e->status;
    t->worker = mem_zalloc(sizeof *t->worker * (size_t)n, e);
    t->share = t->worker ? mem_zalloc(sizeof *t->share * (size_t)n, e) : NULL;
    if (!t->share) {
        mem_free(t->worker);
        mem_free(t);
        return e->status;
    }
    t->count = n;
    /* Where threads are more than cores, who looks keeps another from working. */
    t->look = n <= threads_available() ? LOOK : 0;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->work, NULL);
    pthread_cond_init(&t->done, NULL);
    *out = t;
    return OK;
}

void threads_close(struct threads *t) {
    if (!t) return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->lock);
    for (int i = 0; i < t->started; i++) pthread_join(t->worker[i].thread, NULL);
    pthread_cond_destroy(&t->done);
    pthread_cond_destroy(&t->work);
    pthread_mutex_destroy(&t->lock);
    mem_free(t->share);
    mem_free(t->worker);
    mem_free(t);
}

int threads_count(const struct threads *t) {
    return t->count;
}

void threads_finish_loops(struct threads *t, bool finish) {
    t->finish = finish;
}

void threads_flush_subnormals(struct threads *t, bool flush) {
    t->flush = flush;
}

static enum status run_here(const struct threads *t, int64_t n, int64_t grain, threads_fn *fn, void *arg,
                            struct err *e) {
    const uint64_t before = t->flush ? subnormal_flush() : 0;
    enum status s = OK;
    for (int64_t begin = 0; begin < n && (t->finish || (s = cancel_check(e)) == OK); begin += grain)
        fn(arg, begin, n - begin < grain ? n : begin + grain, self);
    if (t->flush) subnormal_restore(before);
    return s;
}

int64_t threads_grain(const struct threads *t, int64_t n, int64_t least, int64_t most) {
    const int64_t even = n / (4 * t->count); /* so that the last to end is a quarter late at most */
    return even < least ? least : even > most ? most : even;
}

/* As many to each, in order: what a worker left in its cache in one loop it mostly reads in the next. */
static void share_out(struct threads *t, int64_t n) {
    const int64_t chunks = ceil_div(n, t->least);
    for (int i = 0; i < t->count; i++) {
        const int64_t end = ceil_div(chunks * (i + 1), t->count) * t->least;
        t->share[i].next = ceil_div(chunks * i, t->count) * t->least;
        t->share[i].end = end < n ? end : n;
    }
}

static enum status run(struct threads *t, int64_t n, int64_t least, int64_t grain, threads_fn *fn, void *arg,
                       struct err *e) {
    if (inside || t->count == 1 || n <= grain) return run_here(t, n, grain, fn, arg, e);
    pthread_mutex_lock(&t->lock);
    if (t->started < t->count - 1) start_workers(t);
    t->fn = fn, t->arg = arg, t->least = least, t->grain = grain;
    share_out(t, n);
    t->cancelled = false;
    t->open = true;
    t->loop++;
    int64_t others = (n - 1) / grain; /* chunks beside the caller's first */
    for (int i = 0; i < t->started && i < others; i++) pthread_cond_signal(&t->work);
    pthread_mutex_unlock(&t->lock);
    run_chunks(t, 0);
    pthread_mutex_lock(&t->lock);
    t->open = false;
    pthread_mutex_unlock(&t->lock);
    look_for(t, is_over, 0);
    pthread_mutex_lock(&t->lock);
    while (t->running > 0) pthread_cond_wait(&t->done, &t->lock);
    pthread_mutex_unlock(&t->lock);
    return t->cancelled ? err_set(e, ERR_CANCELLED, "interrupted") : OK;
}

enum status threads_for(struct threads *t, int64_t n, int64_t grain, threads_fn *fn, void *arg, struct err *e) {
    return run(t, n, grain, grain, fn, arg, e);
}

enum status threads_share(struct threads *t, int64_t n, int64_t least, int64_t most, threads_fn *fn, void *arg,
                          struct err *e) {
    const int64_t grain = threads_grain(t, n, least, most);
    return run(t, n, least, grain - grain % least, fn, arg, e);
}
