/* A file's text taken apart: what stands before the first cell, then cells from marker to marker. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cell/array.h"
#include "cell/magic_line.h"
#include "cell/notebook_internal.h"
#include "cell/parser.h"

/* ---- lines ---------------------------------------------------------------------------------------------------------- */

size_t line_length(const char *s, size_t n, size_t at, size_t *next) {
    size_t end = at;
    while (end < n && s[end] != '\n' && s[end] != '\r') end++;
    *next = end < n ? end + 1 : n;
    if (end + 1 < n && s[end] == '\r' && s[end + 1] == '\n') *next = end + 2;
    return end - at;
}

bool line_is_blank(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (s[i] != ' ' && (s[i] < '\t' || s[i] > '\r')) return false;
    return true;
}

size_t source_length(const char *s, size_t n) {
    size_t kept = 0;
    for (size_t at = 0, next; at < n; at = next) {
        size_t length = line_length(s, n, at, &next);
        if (!line_is_blank(s + at, length)) kept = at + length;
    }
    return kept;
}

size_t comment_prefix(const char *s, size_t n) {
    if (n < 2 || s[0] != '-' || s[1] != '-') return 0;
    return n > 2 && s[2] == ' ' ? 3 : 2;
}

char *copy_text(const char *s, size_t n, struct err *e) {
    char *copy = mem_alloc(n + 1, e);
    if (!copy) return NULL;
    if (n) memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

/* A place in the text, at a line's start. */
struct place {
    size_t at;
    int line;
};

static struct place next_line(const struct notebook *nb, struct place p) {
    line_length(nb->text, nb->text_size, p.at, &p.at);
    p.line++;
    return p;
}

static enum status warn(struct notebook *nb, struct err *e, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static enum status warn(struct notebook *nb, struct err *e, int line, const char *format, ...) {
    char text[200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct notebook_warning *w = ARRAY_PUSH(nb->warnings, nb->warning_count, e);
    if (!w) return e->status;
    w->line = line;
    w->text = mem_strdup(text, e);
    return e->status;
}

/* ---- the head ------------------------------------------------------------------------------------------------------- */

static bool starts_with(const struct notebook *nb, size_t at, const char *text) {
    size_t n = strlen(text);
    return nb->text_size - at >= n && !memcmp(nb->text + at, text, n);
}

/* `-- ---`, the line before and after the YAML */
static bool is_rule(const char *s, size_t n) {
    size_t prefix = comment_prefix(s, n);
    return prefix && n - prefix >= 3 && !memcmp(s + prefix, "---", 3) && line_is_blank(s + prefix + 3, n - prefix - 3);
}

/* `-- -*- coding: utf-8 -*-` */
static bool is_coding(const char *s, size_t n) {
    const char *word = comment_prefix(s, n) ? memmem(s, n, "coding", 6) : NULL;
    return word && word + 6 < s + n && (word[6] == ':' || word[6] == '=');
}

/* The YAML from `p` on, when it is one and ends; p is moved behind it. */
static enum status parse_header(struct notebook *nb, struct place *p, struct err *e) {
    struct buf yaml = {0};
    size_t next, n = line_length(nb->text, nb->text_size, p->at, &next);
    if (!is_rule(nb->text + p->at, n)) return OK;
    for (struct place q = next_line(nb, *p); q.at < nb->text_size; q = next_line(nb, q)) {
        const char *line = nb->text + q.at;
        n = line_length(nb->text, nb->text_size, q.at, &next);
        size_t prefix = comment_prefix(line, n);
        if (!prefix) break;
        if (is_rule(line, n)) {
            nb->header = copy_text(buf_text(&yaml), yaml.len, e);
            *p = next_line(nb, q);
            break;
        }
        if (yaml.len) buf_putc(&yaml, '\n');
        buf_put(&yaml, line + prefix, n - prefix);
    }
    enum status status = buf_status(&yaml, e);
    buf_free(&yaml);
    return status;
}

/* `#!`, the encoding, the header, and blank lines. */
static enum status parse_head(struct notebook *nb, struct place *p, struct err *e) {
    size_t next;
    if (starts_with(nb, 0, "\xEF\xBB\xBF")) p->at = 3;
    if (starts_with(nb, p->at, "#!")) *p = next_line(nb, *p);
    if (is_coding(nb->text + p->at, line_length(nb->text, nb->text_size, p->at, &next))) *p = next_line(nb, *p);
    if (parse_header(nb, p, e) != OK) return e->status;
    while (p->at < nb->text_size && line_is_blank(nb->text + p->at, line_length(nb->text, nb->text_size, p->at, &next)))
        *p = next_line(nb, *p);
    nb->head_size = p->at;
    return OK;
}

/* ---- fences: in a markdown cell ``` ... ``` is text, whatever stands in it ------------------------------------------- */

struct fence {
    char mark;
    size_t n;
    bool info; /* something follows the marks: it can open a block but not close one */
};

static struct fence fence_at(const struct notebook *nb, size_t at) {
    size_t next, n = line_length(nb->text, nb->text_size, at, &next), i = comment_prefix(nb->text + at, n);
    const char *s = nb->text + at;
    for (int spaces = 0; i < n && s[i] == ' ' && spaces < 3; spaces++) i++;
    struct fence f = {i < n ? s[i] : '\0', 0, false};
    while (i < n && s[i] == f.mark) i++, f.n++;
    f.info = !line_is_blank(s + i, n - i);
    bool wrong = (f.mark != '`' && f.mark != '~') || f.n < 3 || (f.mark == '`' && memchr(s + i, '`', n - i));
    if (wrong) f.n = 0;
    return f;
}

/* Where the block that opens at `p` closes; p itself when it does not. *unclosed is the shortest fence of each mark known
 * to stay open, so that a file full of openings is not searched again and again. */
static struct place fence_end(const struct notebook *nb, struct place p, size_t unclosed[2]) {
    struct fence open = fence_at(nb, p.at);
    size_t *known = &unclosed[open.mark == '~'];
    if (!open.n || open.n >= *known) return p;
    for (struct place q = next_line(nb, p); q.at < nb->text_size; q = next_line(nb, q)) {
        struct fence f = fence_at(nb, q.at);
        if (f.mark == open.mark && f.n >= open.n && !f.info) return q;
    }
    *known = open.n;
    return p;
}

/* ---- cells ---------------------------------------------------------------------------------------------------------- */

static bool is_marker(const struct notebook *nb, size_t at) {
    size_t next, n = line_length(nb->text, nb->text_size, at, &next);
    return marker_is(nb->text + at, n);
}

/* The next cell's start, or the end of the text; p is behind the cell's own marker. */
static struct place cell_end(const struct notebook *nb, struct place p, enum cell_kind kind, size_t unclosed[2]) {
    for (; p.at < nb->text_size && !is_marker(nb, p.at); p = next_line(nb, p))
        if (kind != CELL_CODE) p = fence_end(nb, p, unclosed);
    return p;
}

static enum status take_code(const struct notebook *nb, size_t begin, size_t end, struct cell *c, struct err *e) {
    c->size = source_length(nb->text + begin, end - begin);
    c->source = copy_text(nb->text + begin, c->size, e);
    return e->status;
}

static enum status take_text(const struct notebook *nb, size_t begin, size_t end, struct cell *c, struct err *e) {
    struct buf text = {0};
    end = begin + source_length(nb->text + begin, end - begin);
    for (size_t at = begin, next; at < end; at = next) {
        size_t n = line_length(nb->text, end, at, &next), prefix = comment_prefix(nb->text + at, n);
        if (at > begin) buf_putc(&text, '\n');
        buf_put(&text, nb->text + at + prefix, n - prefix);
    }
    if (buf_status(&text, e) == OK) c->source = copy_text(buf_text(&text), text.len, e);
    c->size = text.len;
    buf_free(&text);
    return e->status;
}

static enum status parse_cell(struct notebook *nb, struct place *p, size_t unclosed[2], struct err *e) {
    size_t begin = p->at, next, n = line_length(nb->text, nb->text_size, begin, &next);
    struct cell *c = ARRAY_PUSH(nb->cells, nb->count, e);
    if (!c) return e->status;
    bool marked = marker_is(nb->text + begin, n);
    if (marker_parse(marked ? nb->text + begin : "-- %%", marked ? n : 5, c, e) != OK) return e->status;
    if (json_object_get(c->metadata, MARKER_UNREADABLE)) warn(nb, e, p->line, "key=JSON expected in the cell's marker");
    if (marked) *p = next_line(nb, *p);
    c->line = p->line;
    size_t source = p->at;
    *p = cell_end(nb, *p, c->kind, unclosed);
    c->raw = nb->text + begin;
    c->raw_size = p->at - begin;
    return (c->kind == CELL_CODE ? take_code : take_text)(nb, source, p->at, c, e);
}

/* ---- warnings ------------------------------------------------------------------------------------------------------- */

/* The line, in the cell, where a long string or comment begins that the cell's end cuts; 0: none. */
static int cut_line(const struct cell *c) {
    struct lexer x;
    struct cell_token t;
    lexer_init(&x, c->source, c->size);
    do lexer_next(&x, &t);
    while (t.kind != CELL_TOKEN_WRONG && t.symbol != SYMBOL_EOF);
    return t.kind == CELL_TOKEN_WRONG && x.at_end && c->source[t.span.begin] != '"' && c->source[t.span.begin] != '\''
               ? t.line
               : 0;
}

static enum status warn_of_magic(struct notebook *nb, const struct cell *c, bool *done, struct err *e) {
    struct cell_magic m;
    for (size_t from = 0; !*done && cell_magic_next(c->source, c->size, from, &m); from = m.line.end) {
        if (m.commented || m.kind == CELL_MAGIC_HELP) continue;
        int line = c->line;
        for (size_t i = 0; i < m.line.begin; i++) line += c->source[i] == '\n';
        *done = true;
        if (m.kind == CELL_MAGIC_SHELL)
            return warn(nb, e, line, "!command makes the file no valid Lua; write it as `-- %%sh command`"), e->status;
        warn(nb, e, line, "%.*s makes the file no valid Lua; write it as `-- %.*s`", (int)(m.name.end - m.line.begin),
             c->source + m.line.begin, (int)(m.name.end - m.line.begin), c->source + m.line.begin);
    }
    return e->status;
}

/* The line of the first byte that is not UTF-8, 0: none. */
static int wrong_utf8_line(const struct notebook *nb) {
    int line = 1, follow = 0;
    for (size_t i = 0; i < nb->text_size; i++) {
        unsigned char c = (unsigned char)nb->text[i];
        bool continues = (c & 0xC0) == 0x80;
        if (continues != (follow > 0) || c >= 0xF8) return line;
        if (continues)
            follow--;
        else
            follow = c < 0xC0 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
        line += c == '\n';
    }
    return follow ? line : 0;
}

static enum status add_warnings(struct notebook *nb, struct err *e) {
    bool magic = false;
    int line = wrong_utf8_line(nb);
    if (line) warn(nb, e, line, "not UTF-8 text");
    for (size_t i = 0; i < nb->count && e->status == OK; i++) {
        const struct cell *c = &nb->cells[i];
        if (c->kind != CELL_CODE) continue;
        int cut = i + 1 < nb->count ? cut_line(c) : 0;
        if (cut) warn(nb, e, c->line + cut - 1, "the next cell's marker stands inside this long string or comment");
        warn_of_magic(nb, c, &magic, e);
    }
    return e->status;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static enum status parse(struct notebook *nb, struct err *e) {
    struct place p = {0, 1};
    size_t unclosed[2] = {SIZE_MAX, SIZE_MAX};
    if (parse_head(nb, &p, e) != OK) return e->status;
    while (p.at < nb->text_size)
        if (parse_cell(nb, &p, unclosed, e) != OK) return e->status;
    return add_warnings(nb, e);
}

enum status notebook_parse(const char *text, size_t n, struct notebook **out, struct err *e) {
    *out = NULL;
    struct notebook *nb;
    if (notebook_new(&nb, e) != OK) return e->status;
    nb->text = copy_text(text, n, e);
    nb->text_size = n;
    if (nb->text && parse(nb, e) == OK)
        *out = nb;
    else
        notebook_free(nb);
    return e->status;
}

enum status notebook_read(const char *path, struct notebook **out, struct err *e) {
    struct buf text = {0};
    struct notebook *nb = NULL;
    if (buf_read_file(&text, path, e) == OK) notebook_parse(buf_text(&text), text.len, &nb, e);
    buf_free(&text);
    if (nb) nb->path = mem_strdup(path, e);
    if (e->status != OK) {
        notebook_free(nb);
        nb = NULL;
    }
    *out = nb;
    return e->status;
}
