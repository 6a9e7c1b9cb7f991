/* Copies of a session's numbers. Each has a name: a variable's path, or the way to a tensor ("out.logits"). */
#include "session/numbers.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bind/bind.h"
#include "session/internal.h"

enum { DEPTH = 4 }; /* of tables within tables */

struct entry {
    struct entry *next;
    int64_t size;
    double *value;
    char name[];
};

struct numbers {
    struct entry *first, **last;
    uint64_t epoch;
    int depth;
    struct err *err;
};

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static struct entry *new_entry(const char *name, int64_t size, struct err *e) {
    const size_t n = strlen(name) + 1;
    struct entry *x = mem_zalloc(sizeof *x + n, e);
    if (!x) return NULL;
    memcpy(x->name, name, n);
    x->size = size;
    x->value = mem_block_alloc(sizeof(double) * (size_t)size, e);
    if (x->value) return x;
    mem_free(x);
    return NULL;
}

static void add(struct numbers *n, const char *name, const struct tensor *t) {
    if (n->err->status || tensor_is_symbolic(t)) return;
    void *bytes = mem_block_alloc(tensor_bytes(t), n->err);
    struct entry *x = bytes && tensor_read(t, bytes, n->err) == OK ? new_entry(name, tensor_size(t), n->err) : NULL;
    for (int64_t i = 0; x && i < x->size; i++) x->value[i] = dtype_to_double(t->dtype, bytes, i);
    mem_block_free(bytes);
    if (!x) return;
    *n->last = x;
    n->last = &x->next;
}

/* ---- what there is ------------------------------------------------------------------------------------------------- */

static void add_value(void *arg, lua_State *L, const char *name);

static void add_table(struct numbers *n, lua_State *L, const char *name) {
    char path[160];
    if (n->depth == DEPTH || !lua_checkstack(L, 8)) return;
    n->depth++;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (lua_type(L, -2) == LUA_TSTRING)
            snprintf(path, sizeof path, "%s.%s", name, lua_tostring(L, -2));
        else if (lua_isinteger(L, -2))
            snprintf(path, sizeof path, "%s[%lld]", name, (long long)lua_tointeger(L, -2));
        if (lua_type(L, -2) == LUA_TSTRING || lua_isinteger(L, -2)) add_value(n, L, path);
        lua_pop(L, 1);
    }
    n->depth--;
}

/* The value on the top. */
static void add_value(void *arg, lua_State *L, const char *name) {
    struct numbers *n = arg;
    if (lua_istable(L, -1)) {
        add_table(n, L, name);
        return;
    }
    const struct tensor *t = bind_tensor_at(L, -1);
    if (t && t->storage && t->storage->epoch >= n->epoch) add(n, name, t);
}

enum status numbers_take(struct session *s, uint64_t epoch, struct numbers **out, struct err *e) {
    struct numbers *n = mem_zalloc(sizeof *n, e);
    if (!n) return e->status;
    n->last = &n->first;
    n->epoch = epoch;
    n->err = e;
    for (const struct variable *v = s->run->variables; v; v = v->next) add(n, v->path, v->value);
    session_each_local(s, add_value, n);
    session_each_global(s, add_value, n);
    if (e->status) {
        numbers_free(n);
        return e->status;
    }
    *out = n;
    return OK;
}

void numbers_free(struct numbers *n) {
    while (n && n->first) {
        struct entry *x = n->first;
        n->first = x->next;
        mem_block_free(x->value);
        mem_free(x);
    }
    mem_free(n);
}

/* ---- comparing ----------------------------------------------------------------------------------------------------- */

static double difference(const struct entry *a, const struct entry *b) {
    double most = 0;
    for (int64_t i = 0; i < a->size; i++) {
        const double d = a->value[i] == b->value[i] ? 0 : fabs(a->value[i] - b->value[i]);
        if (isnan(a->value[i]) && isnan(b->value[i])) continue;
        if (isnan(d) || d > most) most = d;
        if (isnan(most)) return most;
    }
    return most;
}

/* Names may occur twice, as those of a model's and another's weights do: the k-th is compared with the k-th. */
static const struct entry *twin(const struct numbers *a, const struct entry *x, const struct numbers *b) {
    int before = 0;
    for (const struct entry *y = a->first; y != x; y = y->next) before += strcmp(x->name, y->name) == 0;
    for (const struct entry *y = b->first; y; y = y->next)
        if (strcmp(x->name, y->name) == 0 && before-- == 0) return y->size == x->size ? y : NULL;
    return NULL;
}

double numbers_difference(const struct numbers *a, const struct numbers *b, const char **name) {
    double most = 0;
    *name = NULL;
    for (const struct entry *x = a->first; x; x = x->next) {
        const struct entry *y = twin(a, x, b);
        if (!y) continue;
        const double d = difference(x, y);
        if (*name && !(d > most) && !isnan(d)) continue;
        most = d;
        *name = x->name;
        if (isnan(d)) return d;
    }
    return most;
}
