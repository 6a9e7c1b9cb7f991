/* %time and %%time: what a statement or a cell costs, as IPython prints it. */
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "magic/magic.h"
#include "run/run.h"

static double seconds(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static void print_span(const struct magic_call *c, const char *before, double s, const char *after) {
    struct buf span = {0};
    magic_put_span(s, &span);
    magic_print(c, "%s%s%s", before, buf_text(&span), after);
    buf_free(&span);
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct rusage before, after;
    const char *code = *c->body ? c->body : c->args;
    if (!*code) return err_set(e, ERR_VALUE, "what should be timed? %%time EXPRESSION, or %%%%time before a cell");
    double start = clock_now();
    getrusage(RUSAGE_SELF, &before);
    enum status s = session_run_part(c->session, code, strlen(code));
    struct device *d = session_runtime(c->session)->device;
    if (d->driver->sync(d, e) != OK && s == OK) s = e->status;
    getrusage(RUSAGE_SELF, &after);
    double user = seconds(after.ru_utime) - seconds(before.ru_utime);
    double system = seconds(after.ru_stime) - seconds(before.ru_stime);
    print_span(c, "CPU times: user ", user, ", ");
    print_span(c, "sys: ", system, ", ");
    print_span(c, "total: ", user + system, "\n");
    print_span(c, "Wall time: ", clock_now() - start, "\n");
    return s;
}

const struct magic magic_time = {
    .name = "time",
    .usage = "%time CODE",
    .help = "times a statement, or as %%time a whole cell",
    .takes_cell = true,
    .run = run,
};
