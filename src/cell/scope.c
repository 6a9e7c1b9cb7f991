/* Which variable a name means: the active locals as one stack through all enclosing functions, the labels likewise, and
 * a list of the names that nobody declared. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cell/array.h"
#include "cell/parser.h"

#define MAX_LOCALS 200   /* in one function, as in Lua */
#define MAX_LABELS 32767 /* pending gotos or labels, as in Lua */

static bool same(struct word a, struct word b) {
    return a.n == b.n && memcmp(a.s, b.s, a.n) == 0;
}

/* The length of a name for printf's %.*s. */
static int width(struct word w) {
    return w.n < 100 ? (int)w.n : 100;
}

/* ---- blocks and functions -------------------------------------------------------------------------------------------
 */

void scope_enter(struct parser *p, struct block *b, bool loop) {
    struct function *f = p->function;
    *b = (struct block){f->block, p->variable_count, p->label_count, p->goto_count, loop};
    f->block = b;
}

/* Breaks that waited for this loop's end have found it. */
static void resolve_breaks(struct parser *p, const struct block *b) {
    size_t kept = b->gotos;
    for (size_t i = b->gotos; i < p->goto_count; i++)
        if (p->gotos[i].name.n) p->gotos[kept++] = p->gotos[i];
    p->goto_count = kept;
}

void scope_leave(struct parser *p) {
    struct block *b = p->function->block;
    if (b->loop) resolve_breaks(p, b);
    p->function->block = b->outer;
    p->variable_count = b->variables;
    p->label_count = b->labels;
    for (size_t i = b->gotos; i < p->goto_count; i++) p->gotos[i].active = b->variables;
}

bool scope_is_outermost(const struct parser *p) {
    return !p->function->outer && !p->function->block->outer;
}

void scope_enter_function(struct parser *p, struct function *f, struct block *b, int line) {
    *f =
        (struct function){.outer = p->function, .variables = p->variable_count, .labels = p->label_count, .line = line};
    p->function = f;
    scope_enter(p, b, false);
}

void scope_leave_function(struct parser *p) {
    size_t pending = p->function->block->gotos;
    scope_leave(p);
    if (pending < p->goto_count) {
        struct label g = p->gotos[pending];
        if (g.name.n)
            parser_fail_meaning(p, "no visible label '%.*s' for <goto> at line %d", width(g.name), g.name.s, g.line);
        else
            parser_fail_meaning(p, "break outside loop at line %d", g.line);
        p->goto_count = pending;
    }
    p->function = p->function->outer;
}

/* ---- variables ------------------------------------------------------------------------------------------------------
 */

static void too_many_locals(struct parser *p) {
    if (p->function->line)
        parser_fail(p, "too many local variables (limit is %d) in function at line %d", MAX_LOCALS, p->function->line);
    else
        parser_fail(p, "too many local variables (limit is %d) in main function", MAX_LOCALS);
}

void scope_declare(struct parser *p, struct word name, enum cell_attribute attribute) {
    if (p->variable_count - p->function->variables >= MAX_LOCALS) {
        too_many_locals(p);
        return;
    }
    struct variable *v = ARRAY_PUSH(p->variables, p->variable_count, p->err);
    if (v)
        *v = (struct variable){name, attribute, false};
    else
        parser_no_memory(p);
}

void scope_activate(struct parser *p) {
    size_t i = p->variable_count;
    while (i > p->function->variables && !p->variables[i - 1].active) p->variables[--i].active = true;
}

static const struct variable *find(const struct parser *p, struct word name) {
    for (size_t i = p->variable_count; i > 0; i--)
        if (p->variables[i - 1].active && same(p->variables[i - 1].name, name)) return &p->variables[i - 1];
    return NULL;
}

void scope_use(struct parser *p, struct word name, int line, bool write) {
    if (p->failed) return;
    const struct variable *v = find(p, name);
    if (v) {
        if (write && v->attribute != CELL_PLAIN)
            parser_fail_meaning(p, "attempt to assign to const variable '%.*s'", width(name), name.s);
        return;
    }
    struct use *u = ARRAY_PUSH(p->uses, p->use_count, p->err);
    if (u)
        *u = (struct use){name, line, write};
    else
        parser_no_memory(p);
}

/* ---- labels ---------------------------------------------------------------------------------------------------------
 */

static void push_label(struct parser *p, struct label **array, size_t *count, struct label l) {
    if (*count >= MAX_LABELS) {
        parser_fail_meaning(p, "too many labels/gotos (limit is %d)", MAX_LABELS);
        return;
    }
    struct label *new = ARRAY_PUSH(*array, *count, p->err);
    if (new)
        *new = l;
    else
        parser_no_memory(p);
}

static const struct label *find_label(const struct parser *p, struct word name) {
    for (size_t i = p->function->labels; i < p->label_count; i++)
        if (same(p->labels[i].name, name)) return &p->labels[i];
    return NULL;
}

void scope_goto(struct parser *p, struct word name, int line) {
    if (p->failed || (name.n && find_label(p, name))) return;
    push_label(p, &p->gotos, &p->goto_count, (struct label){name, line, p->variable_count});
}

static void check_jump(struct parser *p, const struct label *from, const struct label *to) {
    if (from->active >= to->active) return;
    struct word local = p->variables[from->active].name;
    parser_fail_meaning(p, "<goto %.*s> at line %d jumps into the scope of local '%.*s'", width(from->name),
                        from->name.s, from->line, width(local), local.s);
}

void scope_label(struct parser *p, struct word name, int line, bool last) {
    if (p->failed) return;
    const struct label *before = find_label(p, name);
    if (before) {
        parser_fail_meaning(p, "label '%.*s' already defined on line %d", width(name), name.s, before->line);
        return;
    }
    const struct block *b = p->function->block;
    struct label l = {name, line, last ? b->variables : p->variable_count};
    push_label(p, &p->labels, &p->label_count, l);
    size_t kept = b->gotos;
    for (size_t i = b->gotos; i < p->goto_count; i++) {
        if (same(p->gotos[i].name, name))
            check_jump(p, &p->gotos[i], &l);
        else
            p->gotos[kept++] = p->gotos[i];
    }
    p->goto_count = kept;
}

/* ---- free names -----------------------------------------------------------------------------------------------------
 */

static int by_name(const void *a, const void *b) {
    const struct use *x = a, *y = b;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int order = memcmp(x->name.s, y->name.s, n);
    if (order) return order;
    if (x->name.n != y->name.n) return x->name.n < y->name.n ? -1 : 1;
    return (x->name.s > y->name.s) - (x->name.s < y->name.s);
}

static struct cell_free_name *push_free_name(struct parser *p, const struct use *u) {
    struct cell_free_name *f = ARRAY_PUSH(p->out->free_names, p->out->free_count, p->err);
    if (f) f->name = mem_alloc(u->name.n + 1, p->err);
    if (!f || !f->name) return parser_no_memory(p), NULL;
    memcpy(f->name, u->name.s, u->name.n);
    f->name[u->name.n] = '\0';
    f->line = u->line;
    return f;
}

void scope_free_names(struct parser *p) {
    if (p->use_count) qsort(p->uses, p->use_count, sizeof *p->uses, by_name);
    struct cell_free_name *f = NULL;
    for (size_t i = 0; i < p->use_count; i++) {
        const struct use *u = &p->uses[i];
        if (i == 0 || !same(u->name, u[-1].name)) f = push_free_name(p, u);
        if (!f) return;
        if (!u->write && !f->read) f->read_line = u->line;
        f->read |= !u->write;
        f->written |= u->write;
    }
}
