/* Journals played back. Invariant: whatever stands in the file, a record that makes no sense is passed over. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "session/journal_internal.h"

enum { DEEPEST = 32, MAX_TYPES = 16 };

struct play {
    const struct journal_player *player;
    struct journal_cell cell[DEEPEST]; /* those that run, the outermost first */
    int depth, runs;
};

/* The JSON before a body's first line end (NULL: none to be read), and what follows it. */
static json_t *split(const struct journal_record *r, const char **bytes, size_t *n) {
    struct err e = {0};
    const char *end = memchr(r->body, '\n', r->size);
    if (!end) return NULL;
    *bytes = end + 1;
    *n = r->size - (size_t)(end + 1 - r->body);
    return json_parse(r->body, (size_t)(end - r->body), &e);
}

static void copy_string(char *to, size_t size, const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(to, size, "%s", text ? text : "");
}

static double number(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

static size_t bytes_of(const json_t *object, const char *key) {
    return (size_t)json_integer_value(json_object_get(object, key));
}

static void play_begin(struct play *p, const struct journal_record *r) {
    struct journal_cell c = {0};
    json_t *head = split(r, &c.source, &c.size);
    copy_string(c.name, sizeof c.name, head, "name");
    c.number = (int)json_integer_value(json_object_get(head, "number"));
    c.began = number(head, "time");
    if (head && p->depth == 0) p->runs++;
    c.run = p->runs;
    if (head && p->depth < DEEPEST) {
        p->cell[p->depth++] = c;
        if (p->player->begin) p->player->begin(p->player->arg, &c);
    }
    json_decref(head);
}

static enum status status_named(const char *name) {
    for (int s = OK; s <= ERR_LAST; s++)
        if (strcmp(err_name((enum status)s), name) == 0) return (enum status)s;
    return ERR_STATE;
}

/* As journal_end wrote it; times count from zero. `device` holds the device's name. */
static void read_result(const json_t *head, struct session_result *out, char *device, size_t size) {
    char status[32];
    copy_string(status, sizeof status, head, "status");
    copy_string(out->error_name, sizeof out->error_name, head, "error_name");
    copy_string(device, size, head, "device");
    out->status = status_named(status);
    out->message_size = bytes_of(head, "message_size");
    out->error_line = (int)number(head, "error_line");
    out->after.wall = number(head, "wall");
    out->after.cpu = number(head, "cpu");
    out->before.rss = bytes_of(head, "rss_before");
    out->after.rss = bytes_of(head, "rss");
    out->after.rss_peak = bytes_of(head, "rss_peak");
    out->after.ram_limit = bytes_of(head, "ram_limit");
    out->before.disk_free = bytes_of(head, "disk_before");
    out->after.disk_free = bytes_of(head, "disk_free");
    out->device = device;
    out->device_bytes = bytes_of(head, "device_bytes");
}

static void play_end(struct play *p, const struct journal_record *r) {
    struct session_result result = {0};
    char device[64];
    const char *error;
    size_t n;
    json_t *head = split(r, &error, &n);
    if (head && p->depth > 0) {
        read_result(head, &result, device, sizeof device);
        buf_put(&result.error, error, n);
        p->depth--;
        if (p->player->end) p->player->end(p->player->arg, &p->cell[p->depth], &result);
        buf_free(&result.error);
    }
    json_decref(head);
}

static void play_display(struct sink *s, const struct journal_record *r) {
    struct sink_mime bundle[MAX_TYPES];
    const char *data;
    size_t left;
    int n = 0;
    json_t *types = split(r, &data, &left);
    for (size_t i = 0; i < json_array_size(types) && n < MAX_TYPES; i++, n++) {
        const json_t *pair = json_array_get(types, i);
        const char *type = json_string_value(json_array_get(pair, 0));
        size_t size = (size_t)json_integer_value(json_array_get(pair, 1));
        if (!type || size > left) break;
        bundle[n] = (struct sink_mime){type, data, size};
        data += size;
        left -= size;
    }
    if (n > 0) s->display(s, bundle, n);
    json_decref(types);
}

static void play_output(struct sink *s, const struct journal_record *r) {
    switch (r->kind) {
    case JOURNAL_OUT: s->text(s, SINK_OUT, r->body, r->size); break;
    case JOURNAL_ERR: s->text(s, SINK_ERR, r->body, r->size); break;
    case JOURNAL_STATUS: s->text(s, SINK_STATUS, r->body, r->size); break;
    case JOURNAL_DISPLAY: play_display(s, r); break;
    case JOURNAL_CLEAR: s->clear(s); break;
    default: break;
    }
}

static void play_record(struct play *p, const struct journal_record *r) {
    if (r->kind == JOURNAL_BEGIN)
        play_begin(p, r);
    else if (r->kind == JOURNAL_END)
        play_end(p, r);
    else if (p->player->sink)
        play_output(p->player->sink, r);
}

/* Cells that were running when the journal ended, or when it was gone on with. */
static void end_all(struct play *p) {
    while (p->depth-- > 0)
        if (p->player->end) p->player->end(p->player->arg, &p->cell[p->depth], NULL);
    p->depth = 0;
}

/* The session's own records. */
static void read_session(const struct journal_record *r, struct journal_info *info) {
    const char *path;
    size_t n;
    json_t *head = r->kind == JOURNAL_SESSION ? split(r, &path, &n) : NULL;
    if (head) snprintf(info->notebook, sizeof info->notebook, "%.*s", (int)n, path);
    info->clean = r->kind == JOURNAL_CLOSED;
    json_decref(head);
}

enum status journal_play_info(const char *path, const struct journal_player *player, struct journal_info *info,
                              struct err *e) {
    struct play p = {.player = player};
    struct journal_reader reader;
    struct journal_record record;
    if (journal_reader_open(&reader, path, e)) return e->status;
    while (journal_reader_next(&reader, &record)) {
        if (record.kind == JOURNAL_RESUMED || record.kind == JOURNAL_CLOSED) end_all(&p);
        read_session(&record, info);
        play_record(&p, &record);
    }
    end_all(&p);
    info->torn = journal_reader_torn(&reader);
    journal_reader_close(&reader);
    return OK;
}

enum status journal_play(const char *path, const struct journal_player *player, struct err *e) {
    struct journal_info info;
    return journal_play_info(path, player, &info, e);
}
