/* Automatic names: each prefix has a counter that only run_reset_names sets back. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "run/run.h"

struct run_name {
    struct run_name *next;
    unsigned long given;
    char prefix[];
};

static struct run_name *counter(struct run *r, const char *prefix, struct err *e) {
    for (struct run_name *n = r->names; n; n = n->next)
        if (strcmp(n->prefix, prefix) == 0) return n;
    size_t size = strlen(prefix) + 1;
    struct run_name *n = mem_zalloc(sizeof *n + size, e);
    if (!n) return NULL;
    memcpy(n->prefix, prefix, size);
    n->next = r->names;
    return r->names = n;
}

enum status run_unique_name(struct run *r, const char *prefix, char **out, struct err *e) {
    struct run_name *n = counter(r, prefix, e);
    if (!n) return e->status;
    struct buf text = {0};
    buf_puts(&text, prefix);
    if (n->given > 0) buf_printf(&text, "_%lu", n->given);
    *out = buf_status(&text, e) ? NULL : mem_strdup(buf_text(&text), e);
    buf_free(&text);
    if (!*out) return e->status;
    n->given++;
    return OK;
}

const char *run_name_at(const struct run *r, int i, unsigned long *given) {
    const struct run_name *n = r->names;
    while (n && i-- > 0) n = n->next;
    if (!n) return NULL;
    *given = n->given;
    return n->prefix;
}

enum status run_set_name(struct run *r, const char *prefix, unsigned long given, struct err *e) {
    struct run_name *n = counter(r, prefix, e);
    if (n) n->given = given;
    return e->status;
}

unsigned long run_count_names(const struct run_name *names) {
    unsigned long n = 0;
    for (; names; names = names->next) n += names->given;
    return n;
}

void run_free_names(struct run_name **names) {
    while (*names) {
        struct run_name *next = (*names)->next;
        mem_free(*names);
        *names = next;
    }
}

enum status run_copy_names(const struct run_name *from, struct run_name **out, struct err *e) {
    *out = NULL;
    for (; from; from = from->next) {
        const size_t size = sizeof *from + strlen(from->prefix) + 1;
        struct run_name *n = mem_alloc(size, e);
        if (!n) {
            run_free_names(out);
            return e->status;
        }
        memcpy(n, from, size);
        n->next = *out;
        *out = n;
    }
    return OK;
}

void run_reset_names(struct run *r) {
    run_free_names(&r->names);
}
