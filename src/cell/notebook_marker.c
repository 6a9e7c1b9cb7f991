/* The line that starts a cell: `-- %% Title [markdown] key=JSON ...`, read and written as jupytext does. */
#include <string.h>

#include "base/mem.h"
#include "cell/array.h"
#include "cell/name.h"
#include "cell/notebook_internal.h"

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct cell_span trim(const char *s, size_t begin, size_t end) {
    while (begin < end && is_space(s[begin])) begin++;
    while (end > begin && is_space(s[end - 1])) end--;
    return (struct cell_span){begin, end};
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

/* Where the %% stands in `  --  %%...`, or n. */
static size_t find_percents(const char *s, size_t n) {
    size_t at = 0;
    while (at < n && is_space(s[at])) at++;
    if (n - at < 2 || s[at] != '-' || s[at + 1] != '-') return n;
    at += 2;
    while (at < n && is_space(s[at])) at++;
    return n - at >= 2 && s[at] == '%' && s[at + 1] == '%' ? at : n;
}

bool marker_is(const char *s, size_t n) {
    size_t at = find_percents(s, n);
    if (at == n) return false;
    if (line_is_blank(s + at + 2, n - at - 2)) return true;
    while (at < n && s[at] == '%') at++;
    return at < n && is_space(s[at]);
}

static bool is_identifier(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        bool letter = cell_is_letter(c) || c == '.';
        if (!letter && (i == 0 || c < '0' || c > '9')) return false;
    }
    return n > 0;
}

static bool is_key_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("_.@/-", c));
}

/* The key that ends right before the = at `equals`, [begin, end); empty where there is none. */
static struct cell_span key_before(const char *s, size_t begin, size_t equals) {
    struct cell_span k = {equals, equals};
    while (k.end > begin && is_space(s[k.end - 1])) k.end--;
    k.begin = k.end;
    while (k.begin > begin && is_key_char(s[k.begin - 1])) k.begin--;
    if (k.begin > begin && s[k.begin - 1] != ' ') k.begin = k.end;
    return k;
}

static struct cell_span last_word(const char *s, struct cell_span t) {
    size_t begin = t.end;
    while (begin > t.begin && s[begin - 1] != ' ') begin--;
    return (struct cell_span){begin, t.end};
}

struct pair {
    struct cell_span key; /* begin == end: the text from there on could not be read */
    json_t *value;
};

/* The last key=JSON of the text: its key, and its value as a new reference; NULL where the text ends otherwise. */
static json_t *last_pair(const char *s, struct cell_span t, struct cell_span *key) {
    for (size_t equals = t.end; equals-- > t.begin;) {
        if (s[equals] != '=') continue;
        struct err unreadable = {0};
        *key = key_before(s, t.begin, equals);
        if (key->begin == key->end) continue;
        struct cell_span v = trim(s, equals + 1, t.end);
        json_t *value = json_parse(s + v.begin, v.end - v.begin, &unreadable);
        if (value) return value;
    }
    return NULL;
}

/* The pair at the end of the text; t->end becomes where it begins. */
static struct pair take_pair(const char *s, struct cell_span *t) {
    struct pair p = {.key = last_word(s, *t)};
    if (is_identifier(s + p.key.begin, p.key.end - p.key.begin))
        p.value = json_null();
    else
        p.value = last_pair(s, *t, &p.key);
    if (!p.value) {
        p.value = json_stringn_nocheck(s + t->begin, t->end - t->begin);
        p.key = (struct cell_span){t->begin, t->begin};
    }
    t->end = p.key.begin;
    return p;
}

/* Takes over the value. */
static enum status set_pair(json_t *object, const char *s, const struct pair *p, struct err *e) {
    bool readable = p->key.begin < p->key.end;
    char *key = readable ? copy_text(s + p->key.begin, p->key.end - p->key.begin, e) : NULL;
    if (!readable || key) json_object_set(object, readable ? key : MARKER_UNREADABLE, p->value);
    mem_free(key);
    json_decref(p->value);
    return e->status;
}

/* `a=1 b c="x"`: read from the right to the left, as jupytext does, since a value may contain what looks like a key. */
static enum status read_pairs(const char *s, struct cell_span t, json_t *object, struct err *e) {
    struct pair *pairs = NULL;
    size_t count = 0;
    for (t = trim(s, t.begin, t.end); t.begin < t.end && e->status == OK; t = trim(s, t.begin, t.end)) {
        struct pair *p = ARRAY_PUSH(pairs, count, e);
        if (p) *p = take_pair(s, &t);
    }
    while (count > 0) set_pair(object, s, &pairs[--count], e);
    mem_free(pairs);
    return e->status;
}

/* `{...}`, which must be one JSON object. */
static enum status read_object(const char *s, struct cell_span t, json_t *object, struct err *e) {
    struct err unreadable = {0};
    json_t *all = json_parse(s + t.begin, t.end - t.begin, &unreadable);
    if (json_is_object(all))
        json_object_update(object, all);
    else
        json_object_set_new(object, MARKER_UNREADABLE, json_stringn_nocheck(s + t.begin, t.end - t.begin));
    json_decref(all);
    return e->status;
}

/* Words before the first key; those that start with a dot at their end are not part of the title. */
static size_t title_end(const char *s, struct cell_span t, size_t equals) {
    struct cell_span title = trim(s, t.begin, equals);
    if (equals < t.end) title = trim(s, t.begin, last_word(s, title).begin);
    for (;;) {
        struct cell_span word = last_word(s, title);
        if (word.begin == word.end || s[word.begin] != '.') return title.end;
        title = trim(s, t.begin, word.begin);
    }
}

/* Takes `code` out of the title wherever it stands. */
static bool take_out(char *title, const char *code) {
    size_t n = strlen(code);
    char *to = title;
    for (const char *from = title; *from;) {
        if (strncmp(from, code, n) != 0)
            *to++ = *from++;
        else
            from += n;
    }
    bool found = *to != '\0';
    *to = '\0';
    return found;
}

static void take_kind(struct cell *c) {
    if (take_out(c->title, "[markdown]")) {
        c->kind = CELL_MARKDOWN;
    } else if (take_out(c->title, "[raw]")) {
        c->kind = CELL_RAW;
    } else if (take_out(c->title, "[md]")) {
        c->kind = CELL_MARKDOWN;
        json_object_set_new(c->metadata, "region_name", json_string("md"));
    }
}

static void take_depth(struct cell *c) {
    while (c->title[c->depth] == '%') c->depth++;
    struct cell_span t = trim(c->title, (size_t)c->depth, strlen(c->title));
    memmove(c->title, c->title + t.begin, t.end - t.begin);
    c->title[t.end - t.begin] = '\0';
}

enum status marker_parse(const char *s, size_t n, struct cell *c, struct err *e) {
    struct cell_span t = trim(s, find_percents(s, n) + 2, n);
    const char *brace = memchr(s + t.begin, '{', t.end - t.begin), *equals = memchr(s + t.begin, '=', t.end - t.begin);
    bool object = brace && (!equals || brace < equals);
    size_t end =
        object ? trim(s, t.begin, (size_t)(brace - s)).end : title_end(s, t, equals ? (size_t)(equals - s) : t.end);
    struct cell_span rest = {object ? (size_t)(brace - s) : end, t.end};
    c->title = copy_text(s + t.begin, end - t.begin, e);
    c->metadata = json_object();
    if (!c->metadata) return err_set(e, ERR_MEMORY, "a cell's metadata");
    if (!c->title || (object ? read_object : read_pairs)(s, rest, c->metadata, e) != OK) return e->status;
    take_kind(c);
    take_depth(c);
    return OK;
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static void put_word(struct buf *out, const char *word) {
    buf_putc(out, ' ');
    buf_puts(out, word);
}

static void put_kind(const struct cell *c, struct buf *out) {
    if (c->kind == CELL_RAW) put_word(out, "[raw]");
    if (c->kind == CELL_MARKDOWN) put_word(out, json_object_get(c->metadata, "region_name") ? "[md]" : "[markdown]");
}

/* A key without a value needs a pair before it, or it would be read as part of the title. */
static void put_pair(const char *key, const json_t *value, bool first, struct buf *out) {
    if (!strcmp(key, MARKER_UNREADABLE) && json_is_string(value)) {
        put_word(out, json_string_value(value));
        return;
    }
    put_word(out, key);
    if (json_is_null(value) && !first) return;
    buf_putc(out, '=');
    json_write(value, 0, false, out);
}

void marker_write(const struct cell *c, struct buf *out) {
    bool first = true;
    buf_puts(out, "-- %%");
    for (int i = 0; i < c->depth; i++) buf_putc(out, '%');
    size_t signs = out->len;
    if (c->title[0]) put_word(out, c->title);
    put_kind(c, out);
    const char *key;
    json_t *value;
    json_object_foreach(c->metadata, key, value) {
        if (!strcmp(key, "region_name") && c->kind == CELL_MARKDOWN) continue;
        put_pair(key, value, first, out);
        first = false;
    }
    if (c->depth && out->len == signs) buf_putc(out, ' '); /* without it `-- %%%` is no marker */
}
