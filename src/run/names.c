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

void run_reset_names(struct run *r) {
    while (r->names) {
        struct run_name *next = r->names->next;
        mem_free(r->names);
        r->names = next;
    }
}
