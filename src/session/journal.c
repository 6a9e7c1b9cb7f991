/* The journal's writer: a sink that tees. Invariant: what the user sees of a cell is in the journal first. */
#include "session/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/wrap.h"
#include "session/journal_internal.h"

enum { MOST = 64 << 20 }; /* bytes of a journal from which on outputs are dropped */

struct journal {
    struct sink sink; /* first */
    struct sink *to;
    char *notebook;
    char path[PATH_MAX], checkpoints[PATH_MAX];
    struct journal_file *file; /* NULL until the first cell, and where there is none */
    bool off;                  /* nothing is written */
    bool told;                 /* that it cannot be written */
};

/* ---- records -------------------------------------------------------------------------------------------------------- */

/* Says once what keeps the journal from being written. */
static void tell(struct journal *j, const struct err *e, const char *and) {
    struct buf line = {0};
    if (j->told) return;
    j->told = true;
    buf_printf(&line, "(the journal cannot be written: %s; %s)\n", e->text, and);
    wrap_to(j->to, SINK_STATUS, buf_text(&line), line.len);
    buf_free(&line);
}

/* A loop that prints all night must not fill the disk: what cells did is written on, but no more of what they print. */
static bool is_too_much(struct journal *j, enum journal_kind kind, size_t n) {
    struct err e = {0};
    if (kind < 'a' || journal_file_size(j->file) + n <= MOST) return false;
    err_set(&e, ERR_IO, "it has %d MB", MOST >> 20);
    tell(j, &e, "no more of what this session prints is kept");
    return true;
}

static void put(struct journal *j, enum journal_kind kind, const struct buf *head, const void *bytes, size_t n) {
    struct err e = {0};
    if (!j->file || is_too_much(j, kind, n) || journal_file_put(j->file, (char)kind, head, bytes, n, &e) == OK) return;
    tell(j, &e, "the session goes on, and what waits is written when the disk takes it");
}

/* A record whose head is the object, whose reference is given back. */
static void put_object(struct journal *j, enum journal_kind kind, json_t *object, const void *bytes, size_t n) {
    struct buf head = {0};
    if (object) json_write(object, 0, true, &head);
    buf_putc(&head, '\n');
    put(j, kind, &head, bytes, n);
    buf_free(&head);
    json_decref(object);
}

/* ---- the sink ------------------------------------------------------------------------------------------------------- */

static void tee_text(struct sink *s, enum sink_stream stream, const char *bytes, size_t n) {
    static const enum journal_kind kind[] = {
        [SINK_OUT] = JOURNAL_OUT, [SINK_ERR] = JOURNAL_ERR, [SINK_STATUS] = JOURNAL_STATUS};
    struct journal *j = (struct journal *)s;
    put(j, kind[stream], NULL, bytes, n);
    j->to->text(j->to, stream, bytes, n);
    sink_follow(&j->sink, j->to);
}

static void put_display(struct journal *j, const struct sink_mime *bundle, int n) {
    json_t *types = json_array();
    struct buf data = {0};
    for (int i = 0; i < n; i++) {
        json_array_append_new(types, json_pack("[s, I]", bundle[i].type, (json_int_t)bundle[i].size));
        buf_put(&data, bundle[i].data, bundle[i].size);
    }
    put_object(j, JOURNAL_DISPLAY, types, buf_text(&data), data.len);
    buf_free(&data);
}

static void tee_display(struct sink *s, const struct sink_mime *bundle, int n) {
    struct journal *j = (struct journal *)s;
    if (j->file) put_display(j, bundle, n);
    j->to->display(j->to, bundle, n);
    sink_follow(&j->sink, j->to);
}

/* A line that will be replaced is not kept: what a progress leaves behind comes as text. */
static void tee_progress(struct sink *s, const char *line, size_t n) {
    struct journal *j = (struct journal *)s;
    j->to->progress(j->to, line, n);
    sink_follow(&j->sink, j->to);
}

static void tee_clear(struct sink *s) {
    struct journal *j = (struct journal *)s;
    put(j, JOURNAL_CLEAR, NULL, NULL, 0);
    j->to->clear(j->to);
    sink_follow(&j->sink, j->to);
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

static bool is_off(void) {
    const char *word = getenv("CELDA_JOURNAL");
    return word && strcmp(word, "off") == 0;
}

static void give_up(struct journal *j, const struct err *e) {
    j->off = true;
    j->checkpoints[0] = 0;
    tell(j, e, "the session goes on without one");
}

static void choose_path(struct journal *j) {
    struct err e = {0};
    if (journal_new_path(j->notebook, j->path, sizeof j->path, &e))
        give_up(j, &e);
    else
        journal_folder_of(j->path, j->checkpoints, sizeof j->checkpoints);
}

enum status journal_open(struct sink *to, const char *notebook, struct journal **out, struct err *e) {
    struct journal *j = mem_zalloc(sizeof *j, e);
    if (!j) return e->status;
    j->sink = (struct sink){.text = tee_text, .display = tee_display, .progress = tee_progress, .clear = tee_clear};
    j->to = to;
    j->off = is_off();
    j->notebook = mem_strdup(notebook, e);
    if (!j->notebook) {
        mem_free(j);
        return e->status;
    }
    sink_follow(&j->sink, j->to);
    if (!j->off) choose_path(j);
    *out = j;
    return OK;
}

const char *journal_checkpoints(const struct journal *j) {
    return j->checkpoints;
}

struct sink *journal_sink(struct journal *j) {
    return &j->sink;
}

enum status journal_continue(struct journal *j, const char *path, struct err *e) {
    if (j->off || journal_file_continue(path, &j->file, e)) return e->status;
    snprintf(j->path, sizeof j->path, "%s", path);
    journal_folder_of(path, j->checkpoints, sizeof j->checkpoints);
    put_object(j, JOURNAL_RESUMED, json_pack("{s:f}", "time", clock_date()), NULL, 0);
    return OK;
}

static void put_session(struct journal *j) {
    put_object(j, JOURNAL_SESSION, json_pack("{s:s, s:f}", "celda", CELDA_VERSION, "time", clock_date()), j->notebook,
               strlen(j->notebook));
}

static void create_file(struct journal *j) {
    struct err e = {0};
    if (journal_file_create(j->path, &j->file, &e)) {
        give_up(j, &e);
        return;
    }
    put_session(j);
    journal_prune();
}

/* Journal and checkpoints under the names that belong to the notebook. */
static enum status rename_files(struct journal *j, struct err *e) {
    char path[PATH_MAX], folder[PATH_MAX];
    if (journal_new_path(j->notebook, path, sizeof path, e)) return e->status;
    journal_folder_of(path, folder, sizeof folder);
    if (rename(j->path, path) || (rename(j->checkpoints, folder) && errno != ENOENT))
        return err_set(e, ERR_IO, "cannot rename '%s' to '%s': %s", j->path, path, strerror(errno));
    snprintf(j->path, sizeof j->path, "%s", path);
    snprintf(j->checkpoints, sizeof j->checkpoints, "%s", folder);
    return OK;
}

bool journal_is_of(const struct journal *j, const char *notebook) {
    return strcmp(j->notebook, notebook) == 0;
}

enum status journal_set_notebook(struct journal *j, const char *notebook, struct err *e) {
    char *copy = mem_strdup(notebook, e);
    if (!copy) return e->status;
    mem_free(j->notebook);
    j->notebook = copy;
    if (j->off) return OK;
    if (!j->file) choose_path(j);
    if (!j->file || rename_files(j, e)) return e->status;
    put_session(j);
    return OK;
}

void journal_begin(struct journal *j, const char *name, int number, const char *source, size_t n) {
    sink_follow(&j->sink, j->to);
    if (!j->file && !j->off) create_file(j);
    if (j->off) return;
    put_object(j, JOURNAL_BEGIN, json_pack("{s:s, s:i, s:f}", "name", name, "number", number, "time", clock_date()),
               source, n);
}

void journal_end(struct journal *j, const struct session_result *r) {
    const struct session_resources *a = &r->before, *b = &r->after;
    struct err e = {0};
    if (!j->file) return;
    json_t *end =
        json_pack("{s:s, s:s, s:I, s:i, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:I}", "status",
                  err_name(r->status), "error_name", r->error_name, "message_size", (json_int_t)r->message_size,
                  "error_line", r->error_line, "time", clock_date(), "wall", b->wall - a->wall, "cpu", b->cpu - a->cpu,
                  "rss_before", (json_int_t)a->rss, "rss", (json_int_t)b->rss, "rss_peak", (json_int_t)b->rss_peak,
                  "ram_limit", (json_int_t)b->ram_limit, "disk_before", (json_int_t)a->disk_free, "disk_free",
                  (json_int_t)b->disk_free, "device", r->device, "device_bytes", (json_int_t)r->device_bytes);
    put_object(j, JOURNAL_END, end, buf_text(&r->error), r->error.len);
    journal_file_sync(j->file);
    if (journal_file_synced(j->file, &e)) tell(j, &e, "the session goes on");
}

void journal_close(struct journal *j, bool clean) {
    if (!j) return;
    if (clean && j->file) put_object(j, JOURNAL_CLOSED, json_pack("{s:f}", "time", clock_date()), NULL, 0);
    if (clean) journal_remove_folder(j->checkpoints);
    journal_file_close(j->file);
    mem_free(j->notebook);
    mem_free(j);
}
