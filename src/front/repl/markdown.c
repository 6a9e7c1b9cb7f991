/* Text cells in a terminal: paragraphs and list items are filled to its width, headings stand out, and code and tables
 * stay as they were written. */
#include <string.h>

#include "base/wrap.h"
#include "front/repl/repl.h"

enum line_kind { BLANK, HEADING, ITEM, AS_IT_IS, TEXT };

/* A paragraph being gathered from its lines. */
struct paragraph {
    struct repl *repl;
    struct buf text;
    int indent; /* of lines after the first: an item's text */
    bool fenced;
};

/* The bytes before an item's text ("- ", "12. "); 0: no item. */
static size_t item_marker(const char *line, size_t n) {
    size_t spaces = strspn(line, " "), i = spaces;
    if (spaces > 3) return 0;
    if (i < n && strchr("-*+", line[i]))
        i++;
    else if (i + strspn(line + i, "0123456789") < n && line[i] >= '0' && line[i] <= '9' &&
             line[i + strspn(line + i, "0123456789")] == '.')
        i += strspn(line + i, "0123456789") + 1;
    return i > spaces && i < n && line[i] == ' ' ? i + 1 : 0;
}

static enum line_kind kind_of(const char *line, size_t n) {
    size_t spaces = strspn(line, " ");
    if (spaces >= n) return BLANK;
    if (*line == '#') return HEADING;
    if (item_marker(line, n)) return ITEM;
    return spaces >= 4 || strchr("|>\t", *line) ? AS_IT_IS : TEXT;
}

static void flush(struct paragraph *p) {
    struct buf out = {0};
    if (p->text.len > 0) {
        wrap_line(buf_text(&p->text), p->text.len, p->repl->console.sink.width, p->indent, &out);
        repl_print(p->repl, "%s\n", buf_text(&out));
    }
    buf_free(&out);
    buf_free(&p->text);
    p->indent = 0;
}

static void show_line(struct paragraph *p, const char *line, size_t n) {
    bool colour = p->repl->console.sink.colour, fence = n >= 3 && strncmp(line, "```", 3) == 0;
    enum line_kind kind = p->fenced || fence ? AS_IT_IS : kind_of(line, n);
    if (fence) p->fenced = !p->fenced;
    /* An item's further lines are indented, however much. */
    if (kind == AS_IT_IS && p->indent > 0 && !p->fenced && !fence) kind = TEXT;
    if (kind != TEXT) flush(p);
    size_t skip = kind == HEADING ? strspn(line, "# ") : 0;
    switch (kind) {
    case TEXT:
        if (p->text.len > 0) buf_putc(&p->text, ' '), skip = strspn(line, " ");
        buf_put(&p->text, line + skip, n - skip);
        break;
    case ITEM:
        p->indent = (int)item_marker(line, n);
        buf_put(&p->text, line, n);
        break;
    case HEADING:
        repl_print(p->repl, "%s%.*s%s\n", colour ? "\033[1m" : "", (int)(n - skip), line + skip,
                   colour ? "\033[0m" : "");
        break;
    default: repl_print(p->repl, "%.*s\n", (int)n, line);
    }
}

void repl_show_markdown(struct repl *r, const char *source) {
    struct paragraph p = {.repl = r};
    for (const char *line = source; *line;) {
        size_t n = strcspn(line, "\n");
        show_line(&p, line, n);
        line += n + (line[n] != 0);
    }
    flush(&p);
    repl_print(r, "\n");
}
