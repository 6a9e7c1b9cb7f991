/* What each cell of a session cost, kept by the cell's name; a cell that runs again replaces its entry. What the cells
 * cost that it ran itself (%run) is theirs alone. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "session/internal.h"

void session_cost_of(const struct session_result *r, struct session_cost *out) {
    const struct session_resources *a = &r->before, *b = &r->after;
    *out = (struct session_cost){.runs = 1, .status = r->status, .wall = b->wall - a->wall, .cpu = b->cpu - a->cpu};
    out->ram = (double)b->rss - (double)a->rss;
    out->disk = (double)a->disk_free - (double)b->disk_free;
    out->ram_peak = (double)b->rss_peak;
    out->device = r->device;
    out->device_bytes = (double)r->device_bytes;
}

static struct session_cost *find(struct session *s, const char *name) {
    for (int i = 0; i < s->ledger_count; i++)
        if (strcmp(s->ledger[i].name, name) == 0) return &s->ledger[i];
    return NULL;
}

static struct session_cost *add(struct session *s) {
    if (s->ledger_count == s->ledger_room) {
        int room = s->ledger_room ? 2 * s->ledger_room : 16;
        struct session_cost *more = mem_realloc(s->ledger, sizeof *more * (size_t)room, NULL);
        if (!more) return NULL;
        s->ledger = more;
        s->ledger_room = room;
    }
    return memset(&s->ledger[s->ledger_count++], 0, sizeof *s->ledger);
}

static void add_change(struct session_cost *sum, const struct session_cost *c, int sign) {
    sum->wall += sign * c->wall;
    sum->cpu += sign * c->cpu;
    sum->ram += sign * c->ram;
    sum->disk += sign * c->disk;
}

void session_ledger_add(struct session *s, const char *name, const struct session_result *r,
                        struct session_cost *outer) {
    struct session_cost *c = find(s, name);
    struct session_cost cost;
    session_cost_of(r, &cost);
    add_change(outer, &cost, 1);
    add_change(&cost, &s->within, -1);
    s->within = *outer;
    if (!c) c = add(s);
    if (!c) return;
    cost.runs = c->runs + 1;
    snprintf(cost.name, sizeof cost.name, "%s", name);
    *c = cost;
}

void session_ledger_each_name(struct session *s, session_name_fn *fn, void *arg) {
    for (int i = 0; i < s->ledger_count; i++) fn(arg, s->ledger[i].name);
}

void session_ledger_close(struct session *s) {
    mem_free(s->ledger);
}

void session_each_cost(const struct session *s, void (*fn)(void *arg, const struct session_cost *c), void *arg) {
    for (int i = 0; i < s->ledger_count; i++) fn(arg, &s->ledger[i]);
}
