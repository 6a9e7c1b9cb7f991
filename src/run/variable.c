/* Variables. Invariant: a value is contiguous, lies on the runtime device, and is replaced, and overwritten only
 * by a program while the variable alone holds it, so that a snapshot is a reference. */
#include <string.h>

#include "base/mem.h"
#include "op/emit.h"
#include "run/internal.h"

static void link_variable(struct run *r, struct variable *v) {
    v->next = r->variables;
    if (v->next) v->next->previous = v;
    r->variables = v;
}

static void unlink_variable(struct variable *v) {
    if (v->next) v->next->previous = v->previous;
    if (v->previous)
        v->previous->next = v->next;
    else if (v->run)
        v->run->variables = v->next;
}

/* A value of our own: nobody else can write to its storage. */
static enum status own_value(struct run *r, struct tensor *t, struct tensor **out, struct err *e) {
    struct tensor *there, *copy;
    if (run_move(r, t, r->device, &there, e)) return e->status;
    bool shared = there == t || !tensor_is_contiguous(there);
    if (!shared) {
        *out = there;
        return OK;
    }
    struct op_emitter emit = run_emitter(r, e);
    copy = emit_copy(&emit, there);
    if (copy) *out = tensor_retain(copy);
    op_emitter_close(&emit);
    tensor_release(there);
    return e->status;
}

static const char *name_in(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

enum status variable_new(struct run *r, struct tensor *value, const char *path, bool trainable, struct variable **out,
                         struct err *e) {
    if (tensor_is_symbolic(value))
        return err_set(e, ERR_STATE, "variable '%s' cannot be made while a computation is being traced", path);
    struct variable *v = mem_zalloc(sizeof *v, e);
    if (!v) return e->status;
    atomic_init(&v->refs, 1);
    v->trainable = trainable;
    v->name = mem_strdup(name_in(path), e);
    v->path = mem_strdup(path, e);
    if (e->status || own_value(r, value, &v->value, e)) {
        mem_free(v->name);
        mem_free(v->path);
        mem_free(v);
        return e->status;
    }
    v->run = r;
    link_variable(r, v);
    *out = v;
    return OK;
}

void variable_drop_spare(struct variable *v) {
    tensor_release(v->spare);
    v->spare = NULL;
}

enum status variable_restore(struct variable *v, const char *path, bool trainable, struct tensor *value,
                             struct err *e) {
    char *whole = mem_strdup(path, e), *name = mem_strdup(name_in(path), e);
    if (e->status) {
        mem_free(whole);
        mem_free(name);
        return e->status;
    }
    mem_free(v->path);
    mem_free(v->name);
    v->path = whole;
    v->name = name;
    v->trainable = trainable;
    tensor_retain(value);
    tensor_release(v->value);
    v->value = value;
    variable_drop_spare(v);
    return OK;
}

struct variable *variable_retain(struct variable *v) {
    atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
    return v;
}

void variable_release(struct variable *v) {
    if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) > 1) return;
    unlink_variable(v);
    variable_drop_spare(v);
    tensor_release(v->value);
    mem_free(v->name);
    mem_free(v->path);
    mem_free(v);
}

enum status variable_read(struct run *r, struct variable *v, struct tensor **out, struct err *e) {
    struct trace_variable *entry = r->trace ? trace_variable(r, v, e) : NULL;
    if (e->status) return e->status;
    *out = entry ? entry->current : v->value;
    for (int i = 0; v->trainable && i < r->ntape; i++)
        if (tape_watch(r->tape[i], *out, e)) return e->status;
    return OK;
}

static enum status assign_traced(struct run *r, struct variable *v, struct tensor *value, struct err *e) {
    struct trace_variable *entry = trace_variable(r, v, e);
    if (!entry) return e->status;
    tensor_release(entry->current);
    entry->current = tensor_retain(value);
    return OK;
}

enum status variable_assign(struct run *r, struct variable *v, struct tensor *value, struct err *e) {
    char a[256], b[256];
    if (!shape_equal(&value->shape, &v->value->shape))
        return err_set(e, ERR_VALUE, "variable '%s' has shape %s, a value of shape %s cannot be assigned to it",
                       v->path, shape_text(&v->value->shape, a, sizeof a), shape_text(&value->shape, b, sizeof b));
    struct op_emitter emit = run_emitter(r, e);
    struct tensor *t = emit_cast(&emit, value, v->value->dtype), *own;
    if (t && r->trace) {
        assign_traced(r, v, t, e);
    } else if (t && own_value(r, t, &own, e) == OK) {
        tensor_release(v->value);
        v->value = own;
        variable_drop_spare(v);
    }
    op_emitter_close(&emit);
    return e->status;
}
