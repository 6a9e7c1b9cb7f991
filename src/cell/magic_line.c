/* Which lines of a cell are magics or questions for help: one line by its form, a cell's by their place between Lua's
 * statements. */
#include "cell/magic_line.h"

#include <string.h>

#include "cell/name.h"
#include "cell/parser.h"

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
static bool is_dotted(char c) {
    return cell_is_name(c) || c == '.' || c == ':';
}

/* ---- one line ------------------------------------------------------------------------------------------------------- */

static struct cell_span trimmed(const char *s, size_t begin, size_t end) {
    while (begin < end && is_space(s[begin])) begin++;
    while (end > begin && is_space(s[end - 1])) end--;
    return (struct cell_span){begin, end};
}

static size_t skip_percent(const char *s, size_t at, size_t end) {
    while (at < end && s[at] == '%') at++;
    return at;
}

/* `%name args` or `%%name args` in [begin, end); false when it is something else. */
static bool magic(const char *s, struct cell_span line, struct cell_magic *out) {
    size_t at = skip_percent(s, line.begin, line.end), signs = at - line.begin;
    if (signs < 1 || signs > 2 || at == line.end || !cell_is_letter(s[at])) return false;
    out->name.begin = at;
    while (at < line.end && cell_is_name(s[at])) at++;
    if (at < line.end && !is_space(s[at])) return false;
    out->name.end = at;
    out->args = trimmed(s, at, line.end);
    out->kind = signs == 1 ? CELL_MAGIC_LINE : CELL_MAGIC_CELL;
    return true;
}

/* A name, `a.b`, `a:b`, `%magic` or `%%magic` that fills [begin, end). */
static bool is_thing(const char *s, struct cell_span t) {
    size_t at = skip_percent(s, t.begin, t.end);
    if (at == t.end || !cell_is_letter(s[at])) return false;
    while (at < t.end && is_dotted(s[at])) at++;
    return at == t.end;
}

/* `?thing` or `thing?`, with one question mark or two; these alone ask for help on all. */
static bool help(const char *s, struct cell_span line, struct cell_magic *out) {
    size_t begin = line.begin, end = line.end;
    while (begin < end && s[begin] == '?') begin++;
    while (end > begin && s[end - 1] == '?') end--;
    size_t before = begin - line.begin, after = line.end - end;
    out->name = trimmed(s, begin, end);
    if (before + after == 0 || before + after > 2 || (before && after)) return false;
    if (out->name.begin < out->name.end && !is_thing(s, out->name)) return false;
    out->args = (struct cell_span){line.end, line.end};
    out->kind = CELL_MAGIC_HELP;
    out->doubled = before + after == 2;
    return true;
}

static size_t skip_space(const char *s, size_t at, size_t end) {
    while (at < end && is_space(s[at])) at++;
    return at;
}

static size_t skip_name(const char *s, size_t at, size_t end) {
    while (at < end && cell_is_name(s[at])) at++;
    return at;
}

/* `!command`, `name = !command` or `local name = !command`. Lua has no exclamation mark. */
static bool shell(const char *s, struct cell_span line, struct cell_magic *out) {
    size_t at = line.begin, end = line.end, target = at;
    if (at < end && cell_is_letter(s[at])) {
        target = skip_name(s, at, end);
        if (target - at == 5 && strncmp(s + at, "local", 5) == 0)
            target = skip_name(s, skip_space(s, target, end), end);
        at = skip_space(s, target, end);
        if (at == end || s[at] != '=') return false;
        at = skip_space(s, at + 1, end);
    }
    if (at == end || s[at] != '!') return false;
    out->name = (struct cell_span){line.begin, target};
    out->args = trimmed(s, at + 1, end);
    out->kind = CELL_MAGIC_SHELL;
    return out->args.begin < out->args.end;
}

/* What stands in [begin, end), which is one line. */
static struct cell_magic classify(const char *s, size_t begin, size_t end) {
    struct cell_magic m = {.line = {begin, end}};
    struct cell_span text = trimmed(s, begin, end);
    m.line.end = end > begin && s[end - 1] == '\r' ? end - 1 : end;
    if (text.end - text.begin > 2 && s[text.begin] == '-' && s[text.begin + 1] == '-') {
        m.commented = true;
        text.begin += s[text.begin + 2] == ' ' ? 3 : 2;
    }
    bool found = magic(s, text, &m) || (!m.commented && (help(s, text, &m) || shell(s, text, &m)));
    return found ? m : (struct cell_magic){.line = m.line};
}

struct cell_magic cell_magic_line(const char *line, size_t n) {
    while (n > 0 && line[n - 1] == '\n') n--;
    return classify(line, 0, n);
}

/* ---- the lines of a cell -------------------------------------------------------------------------------------------- */

/* How much deeper in blocks and brackets a token leads. */
static int depth_change(int symbol) {
    switch (symbol) {
    case '(':
    case '[':
    case '{':
    case SYMBOL_DO:
    case SYMBOL_FUNCTION:
    case SYMBOL_IF:
    case SYMBOL_REPEAT: return 1;
    case ')':
    case ']':
    case '}':
    case SYMBOL_END:
    case SYMBOL_UNTIL: return -1;
    default: return 0;
    }
}

/* Whether a statement may end with this token. */
static bool may_end(int symbol) {
    switch (symbol) {
    case ')':
    case ']':
    case '}':
    case ';':
    case SYMBOL_NAME:
    case SYMBOL_NUMBER:
    case SYMBOL_STRING:
    case SYMBOL_DOTS:
    case SYMBOL_LABEL:
    case SYMBOL_BREAK:
    case SYMBOL_END:
    case SYMBOL_FALSE:
    case SYMBOL_NIL:
    case SYMBOL_RETURN:
    case SYMBOL_TRUE: return true;
    default: return false;
    }
}

static size_t line_start(const char *s, size_t from, size_t at) {
    while (at > from && s[at - 1] != '\n') at--;
    return at;
}

static size_t line_end(const char *s, size_t n, size_t at) {
    while (at < n && s[at] != '\n') at++;
    return at;
}

bool cell_magic_next(const char *source, size_t n, size_t from, struct cell_magic *out) {
    struct lexer x;
    lexer_init(&x, source, n);
    x.at = from;
    int depth = 0, line = 0, last = ';';
    for (;;) {
        struct cell_token t;
        lexer_next(&x, &t);
        if (t.line != line && depth == 0 && may_end(last)) {
            size_t start = line_start(source, from, t.span.begin);
            *out = classify(source, start, line_end(source, n, start));
            if (out->kind != CELL_MAGIC_NONE && (out->kind != CELL_MAGIC_CELL || start == 0)) return true;
        }
        if (t.kind == CELL_TOKEN_WRONG || t.symbol == SYMBOL_EOF) return false;
        line = t.last_line;
        if (t.kind == CELL_TOKEN_COMMENT) continue;
        depth += depth_change(t.symbol);
        if (depth < 0) depth = 0;
        last = t.symbol;
    }
}
