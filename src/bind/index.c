/* t[key] and t[key] = value. Keys count from 1, ranges include both ends, negative numbers count from the end:
 * 3, -1, "1:59904", "2, :, ::2", "..., 1", "newaxis", or a tensor of 1-based row numbers. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bind/internal.h"

/* What a key selects: a slice of every axis, and which axes stay (a number takes its axis away). */
struct selection {
    struct op_slice slice;
    struct shape result; /* without the axes that numbers took, with new ones */
    int axis;            /* the next axis of the tensor */
};

static void raise(lua_State *L, enum status s, const char *format, const char *key, long long a, long long b,
                  int axis) {
    struct err e = {0};
    err_set(&e, s, format, key, a, b, axis);
    bind_check(L, s, &e);
}

static void whole_axis(const struct tensor *t, struct selection *s) {
    int64_t n = t->shape.dim[s->axis];
    s->slice.step[s->axis] = 1;
    s->slice.shape.dim[s->axis++] = n;
    s->result.dim[s->result.rank++] = n;
}

static void select_number(lua_State *L, const struct tensor *t, const char *key, int64_t i, struct selection *s) {
    int64_t n = t->shape.dim[s->axis], at = i < 0 ? i + n : i - 1;
    if (i == 0 || at < 0 || at >= n) {
        struct err e = {0};
        err_set(&e, ERR_INDEX, "index %lld is out of range for axis %d with size %lld (indices count from 1)",
                (long long)i, s->axis, (long long)n);
        bind_check(L, ERR_INDEX, &e);
    }
    (void)key;
    s->slice.start[s->axis] = at;
    s->slice.step[s->axis] = 1;
    s->slice.shape.dim[s->axis++] = 1;
}

/* A bound of a range to a 0-based position, clamped to just outside the axis as NumPy clamps slices. */
static int64_t bound(int64_t i, int64_t n) {
    int64_t at = i < 0 ? i + n : i - 1;
    return at < -1 ? -1 : at > n ? n : at;
}

static void select_range(lua_State *L, const struct tensor *t, const char *key, const bool given[3], const int64_t v[3],
                         struct selection *s) {
    int64_t n = t->shape.dim[s->axis], step = given[2] ? v[2] : 1;
    if (step == 0) raise(L, ERR_VALUE, "slice step cannot be zero in '%s'", key, 0, 0, 0);
    int64_t first = given[0] ? bound(v[0], n) : step > 0 ? 0 : n - 1;
    int64_t last = given[1] ? bound(v[1], n) : step > 0 ? n - 1 : 0;
    if (step > 0 && first < 0) first = 0;
    if (step > 0 && last > n - 1) last = n - 1;
    if (step < 0 && first > n - 1) first = n - 1;
    if (step < 0 && last < 0) last = 0;
    int64_t count =
        step > 0 ? (last < first ? 0 : (last - first) / step + 1) : (last > first ? 0 : (first - last) / -step + 1);
    if (n == 0) count = 0;
    s->slice.start[s->axis] = count ? first : 0;
    s->slice.step[s->axis] = step;
    s->slice.shape.dim[s->axis++] = count;
    s->result.dim[s->result.rank++] = count;
}

/* "2", "1:5", "::-1": one axis' part of a key. */
static void select_part(lua_State *L, const struct tensor *t, const char *key, const char *part, struct selection *s) {
    bool given[3] = {0};
    int64_t v[3] = {0};
    int colons = 0;
    const char *p = part;
    if (s->axis >= t->shape.rank) {
        struct err e = {0};
        err_set(&e, ERR_INDEX, "too many indices in '%s' for a tensor of rank %d", key, t->shape.rank);
        bind_check(L, ERR_INDEX, &e);
    }
    for (;;) {
        char *end;
        while (isspace((unsigned char)*p)) p++;
        if (*p == ':') {
            if (++colons > 2) break;
            p++;
            continue;
        }
        if (!*p) break;
        v[colons] = strtoll(p, &end, 10);
        if (end == p || given[colons]) break;
        given[colons] = true;
        p = end;
    }
    if (*p || (colons == 0 && !given[0]))
        raise(L, ERR_VALUE, "'%s' is no index: write \"2, 1:5, ::2, ...\"", key, 0, 0, 0);
    if (colons == 0)
        select_number(L, t, key, v[0], s);
    else
        select_range(L, t, key, given, v, s);
}

static const char *trimmed(char *part) {
    size_t n = strlen(part);
    while (n && isspace((unsigned char)part[n - 1])) part[--n] = 0;
    while (isspace((unsigned char)*part)) part++;
    return part;
}

/* How many axes the parts of a key take up, without an ellipsis. */
static int count_axes(const char *key) {
    int n = 0;
    for (const char *p = key; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
        while (isspace((unsigned char)*p)) p++;
        n += strncmp(p, "...", 3) != 0 && strncmp(p, "newaxis", 7) != 0;
    }
    return n;
}

static void select_text(lua_State *L, const struct tensor *t, const char *key, struct selection *s) {
    char part[64];
    bool ellipsis = false;
    for (const char *p = key; p;) {
        size_t n = strcspn(p, ",");
        snprintf(part, sizeof part, "%.*s", (int)n, p); /* a longer part is no number: it fails below */
        const char *text = trimmed(part);
        if (strcmp(text, "...") == 0) {
            if (ellipsis) raise(L, ERR_VALUE, "'%s' has two ellipses", key, 0, 0, 0);
            ellipsis = true;
            for (int left = t->shape.rank - count_axes(key); left > 0; left--) whole_axis(t, s);
        } else if (strcmp(text, "newaxis") == 0) {
            s->result.dim[s->result.rank++] = 1;
        } else {
            select_part(L, t, key, text, s);
        }
        p = p[n] ? p + n + 1 : NULL;
    }
}

static void select_key(lua_State *L, const struct tensor *t, int key, struct selection *s) {
    *s = (struct selection){0};
    s->slice.shape.rank = t->shape.rank;
    if (lua_type(L, key) == LUA_TSTRING) {
        select_text(L, t, lua_tostring(L, key), s);
    } else {
        int whole;
        int64_t i = lua_tointegerx(L, key, &whole);
        if (!whole)
            luaL_error(L,
                       "IndexError: a tensor is indexed by an integer, a slice string or an integer tensor, not a %s",
                       luaL_typename(L, key));
        if (t->shape.rank == 0) luaL_error(L, "IndexError: a tensor of rank 0 has no elements to index");
        select_number(L, t, "", i, s);
    }
    while (s->axis < t->shape.rank) whole_axis(t, s);
}

/* Pushes the view that a selection names. */
static struct tensor *push_view(lua_State *L, struct tensor *t, const struct selection *s) {
    struct err e = {0};
    struct op_emitter emit = run_emitter(bind_run(L), &e);
    struct tensor *v = emit_reshape(&emit, emit_slice(&emit, t, &s->slice), &s->result);
    if (v) tensor_retain(v);
    op_emitter_close(&emit);
    bind_check(L, e.status, &e);
    bind_push_tensor(L, v);
    return v;
}

/* Rows by a tensor of 1-based integers. */
static int gather_rows(lua_State *L, struct tensor *t, struct tensor *rows) {
    struct err e = {0};
    if (rows->dtype != DT_INT64 && rows->dtype != DT_INT32)
        luaL_error(L, "IndexError: a tensor index must be int64 or int32, not %s", dtype_name(rows->dtype));
    struct op_emitter emit = run_emitter(bind_run(L), &e);
    struct tensor *v = emit_gather(&emit, t, emit_adds(&emit, rows, -1));
    if (v) tensor_retain(v);
    op_emitter_close(&emit);
    bind_check(L, e.status, &e);
    bind_push_tensor(L, v);
    return 1;
}

int bind_tensor_index(lua_State *L, struct tensor *t, int key) {
    struct selection s;
    struct tensor *rows = bind_test(L, key, BIND_TENSOR);
    if (rows) return gather_rows(L, t, rows);
    select_key(L, t, key, &s);
    push_view(L, t, &s);
    return 1;
}

void bind_tensor_assign(lua_State *L, struct tensor *t, int key, int value) {
    struct selection s;
    struct err e = {0};
    if (tensor_is_symbolic(t)) luaL_error(L, "StateError: a tensor that is being traced cannot be assigned to");
    select_key(L, t, key, &s);
    struct tensor *v = bind_tensor(L, value);
    struct tensor *view = push_view(L, t, &s);
    if (view->storage != t->storage) err_set(&e, ERR_STATE, "this selection cannot be assigned through");
    bind_check(L, e.status, &e);
    bind_check(L, run_assign(bind_run(L), view, v, &e), &e);
}
