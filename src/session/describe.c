/* Values in short. */
#include "session/describe.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bind/bind.h"
#include "session/internal.h"

static const char *type_name(lua_State *L, int index) {
    const char *name = luaL_typename(L, index);
    if (luaL_getmetafield(L, index, "__name") == LUA_TNIL) return name;
    if (lua_type(L, -1) == LUA_TSTRING) name = lua_tostring(L, -1); /* the metatable holds it */
    lua_pop(L, 1);
    return name;
}

static void describe_tensor(const struct tensor *t, struct description *out) {
    char shape[80];
    snprintf(out->text, sizeof out->text, "%s %s", dtype_name(t->dtype), shape_text(&t->shape, shape, sizeof shape));
    out->bytes = tensor_bytes(t);
    if (t->storage) out->device = t->storage->device->name;
}

/* As a cell shows it, the first line of it. */
static void describe_plain(lua_State *L, int index, struct description *out) {
    struct buf text = {0};
    session_inspect(L, index, &text);
    const size_t n = strcspn(buf_text(&text), "\n"), room = 60;
    snprintf(out->text, sizeof out->text, "%.*s%s", (int)(n < room ? n : room), buf_text(&text), n > room ? "..." : "");
    buf_free(&text);
}

void session_describe(lua_State *L, int index, struct description *out) {
    const struct tensor *t = bind_tensor_at(L, index);
    *out = (struct description){.type = type_name(L, index)};
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TBOOLEAN:
    case LUA_TNUMBER:
    case LUA_TSTRING: describe_plain(L, index, out); break;
    case LUA_TTABLE:
        if (lua_rawlen(L, index) > 0) snprintf(out->text, sizeof out->text, "%zu items", (size_t)lua_rawlen(L, index));
        break;
    default:
        if (t) describe_tensor(t, out);
    }
}

/* The elements as doubles, of any dtype: NULL where that fails. The caller frees them with mem_block_free. */
static double *elements(const struct tensor *t) {
    struct err e = {0};
    const int64_t n = tensor_size(t);
    void *bytes = mem_block_alloc(tensor_bytes(t), &e);
    double *out = mem_block_alloc(sizeof *out * (size_t)n, &e);
    if (e.status == OK && tensor_read(t, bytes, &e) == OK) {
        for (int64_t i = 0; i < n; i++) out[i] = dtype_to_double(t->dtype, bytes, i);
    } else {
        mem_block_free(out);
        out = NULL;
    }
    mem_block_free(bytes);
    return out;
}

void session_statistics(lua_State *L, int index, struct buf *out) {
    const struct tensor *t = bind_tensor_at(L, index);
    const int64_t n = t ? tensor_size(t) : 0;
    if (n < 1 || n > 1 << 24 || tensor_is_symbolic(t)) return;
    double *x = elements(t), sum = 0;
    if (!x) return;
    double least = x[0], most = x[0];
    for (int64_t i = 0; i < n; i++) {
        sum += x[i];
        least = fmin(least, x[i]);
        most = fmax(most, x[i]);
    }
    if (n == 1)
        buf_printf(out, "%.6g", *x);
    else
        buf_printf(out, "mean %.6g, %.6g to %.6g", sum / (double)n, least, most);
    mem_block_free(x);
}
