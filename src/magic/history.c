/* %history: what was typed in this session. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "magic/magic.h"

struct selection {
    int first, last;
    bool numbers;
    char pattern[256]; /* of -g; "": any */
};

/* "4", "4-6", "4-", "" (all). */
static enum status parse_range(const struct magic_call *c, const char *text, struct selection *s, struct err *e) {
    const int count = session_input_count(c->session);
    char *end = (char *)text;
    *s = (struct selection){.first = 1, .last = count, .numbers = s->numbers};
    if (!*text) return OK;
    const long first = strtol(text, &end, 10), last = *end != '-' ? first : end[1] ? strtol(end + 1, &end, 10) : count;
    if (end == text || (*end && strcmp(end, "-") != 0))
        return err_set(e, ERR_VALUE, "'%s' is no range of inputs; write N, N-M or N-", text);
    if (first < 1 || last < first || last > count)
        return err_set(e, ERR_VALUE, "'%s': inputs are numbered 1 to %d", text, count);
    s->first = (int)first;
    s->last = (int)last;
    return OK;
}

static enum status parse(const struct magic_call *c, struct selection *s, struct err *e) {
    const char *at = c->args;
    s->numbers = strncmp(at, "-n", 2) == 0 && strchr(" ", at[2]);
    if (s->numbers) at += 2 + strspn(at + 2, " ");
    if (strncmp(at, "-g", 2) != 0) return parse_range(c, at, s, e);
    at += 2 + strspn(at + 2, " ");
    if (strlen(at) > sizeof s->pattern - 3) return err_set(e, ERR_VALUE, "the pattern is too long");
    *s = (struct selection){.first = 1, .last = session_input_count(c->session), .numbers = true};
    if (*at) snprintf(s->pattern, sizeof s->pattern, "*%s*", at);
    return OK;
}

/* Of an input of many lines those that follow stand below the first. */
static void print_input(const struct magic_call *c, int number, bool numbered) {
    struct buf text = {0};
    if (numbered) buf_printf(&text, "%4d: ", number);
    for (const char *at = session_input_at(c->session, number); *at; at++) {
        buf_putc(&text, *at);
        if (*at == '\n' && numbered) buf_puts(&text, "      ");
    }
    buf_putc(&text, '\n');
    magic_print_text(c, &text);
    buf_free(&text);
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct selection s = {0};
    if (session_input_count(c->session) == 0) {
        magic_print(c, "nothing was typed\n");
        return OK;
    }
    if (parse(c, &s, e)) return e->status;
    for (int n = s.first; n <= s.last; n++)
        if (!*s.pattern || fnmatch(s.pattern, session_input_at(c->session, n), 0) == 0) print_input(c, n, s.numbers);
    return OK;
}

const struct magic magic_history = {
    .name = "history",
    .usage = "%history [-n] [N | N-M | N- | -g PATTERN]",
    .help =
        "what was typed in this session\n%history 4-6 shows a range, -n numbers, -g PATTERN the inputs that hold it "
        "(* and ? stand for any text and any character). Ctrl-R searches those of earlier sessions, too.",
    .run = run,
};
