/* Files as tensors: gzip.open, idx.load, safetensors.load and save, and tensor.frombuffer. */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "bind/internal.h"
#include "tensor/gzip.h"
#include "tensor/idx.h"
#include "tensor/safetensors.h"

#define BIND_GZIP "gzip.file"

/* ---- gzip ---------------------------------------------------------------------------------------------------------- */

static int gzip_open_file(lua_State *L) {
    const char *mode = luaL_optstring(L, 2, "rb");
    struct gzip_file *f;
    struct err e = {0};
    if (strchr(mode, 'r') == NULL) return luaL_error(L, "ValueError: gzip.open: files can only be read (mode \"rb\")");
    void **box = bind_box(L, BIND_GZIP);
    bind_check(L, gzip_open(luaL_checkstring(L, 1), &f, &e), &e);
    *box = f;
    return 1;
}

static int gzip_close_file(lua_State *L) {
    void **box = luaL_checkudata(L, 1, BIND_GZIP);
    gzip_close(*box);
    *box = NULL;
    return 0;
}

/* f:read([n]): a string of up to n bytes, or of all that are left. */
static int gzip_read_file(lua_State *L) {
    struct gzip_file *f = bind_test(L, 1, BIND_GZIP);
    lua_Integer n = luaL_optinteger(L, 2, -1);
    struct buf b = {0};
    struct err e = {0};
    if (!f) return luaL_error(L, "ValueError: read of a closed file");
    if (gzip_read(f, n < 0 ? SIZE_MAX : (size_t)n, &b, &e)) buf_free(&b);
    bind_check(L, e.status, &e);
    lua_pushlstring(L, buf_text(&b), b.len);
    buf_free(&b);
    return 1;
}

/* ---- idx ----------------------------------------------------------------------------------------------------------- */

static enum status load_idx(struct run *r, const char *path, struct tensor **out, struct err *e) {
    struct gzip_file *f;
    struct buf bytes = {0};
    if (gzip_open(path, &f, e)) return e->status;
    if (gzip_read(f, SIZE_MAX, &bytes, e) == OK && idx_read(r->device, buf_text(&bytes), bytes.len, out, e))
        err_prefix(e, "'%s'", path);
    gzip_close(f);
    buf_free(&bytes);
    return e->status;
}

/* idx.load(path): plain or .gz. */
static int idx_load(lua_State *L) {
    struct tensor *t;
    struct err e = {0};
    bind_check(L, load_idx(bind_run(L), luaL_checkstring(L, 1), &t, &e), &e);
    bind_push_tensor(L, t);
    return 1;
}

/* ---- safetensors --------------------------------------------------------------------------------------------------- */

static int holder_gc(lua_State *L) {
    safetensors_free(luaL_checkudata(L, 1, "celda.safetensors"));
    return 0;
}

/* safetensors.load(path): a table of tensors by name, and a table of metadata. */
static int load_safetensors(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    struct err e = {0};
    struct safetensors *s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (struct safetensors){0};
    luaL_setmetatable(L, "celda.safetensors");
    bind_check(L, safetensors_load(bind_run(L)->device, path, s, &e), &e);
    lua_createtable(L, 0, s->count);
    for (int i = 0; i < s->count; i++) {
        bind_push_tensor(L, tensor_retain(s->entry[i].tensor));
        lua_setfield(L, -2, s->entry[i].name);
    }
    bind_push_json(L, s->metadata);
    return 2;
}

/* safetensors.save(path, {name = tensor}, {metadata}): names in alphabetical order. */
static int save_safetensors(lua_State *L) {
    struct err e = {0};
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 3);
    int n = 0;
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, 2)) {
        lua_pop(L, 1);
        luaL_checktype(L, -1, LUA_TSTRING);
        lua_pushvalue(L, -1);
        lua_seti(L, 4, ++n);
    }
    lua_getglobal(L, "table");
    lua_getfield(L, -1, "sort");
    lua_pushvalue(L, 4);
    lua_call(L, 1, 0);
    luaL_checkstack(L, 2 * n + 10, "too many tensors");
    struct safetensors_entry *entry = lua_newuserdatauv(L, sizeof *entry * (size_t)(n + 1), 0);
    for (int i = 0; i < n; i++) {
        lua_geti(L, 4, i + 1);
        entry[i].name = (char *)lua_tostring(L, -1);
        lua_pushvalue(L, -1);
        lua_gettable(L, 2);
        entry[i].tensor = bind_tensor(L, lua_gettop(L));
    }
    json_t **metadata = lua_newuserdatauv(L, sizeof *metadata, 0);
    *metadata = NULL;
    luaL_setmetatable(L, "celda.json");
    if (!lua_isnil(L, 3)) *metadata = bind_to_json(L, 3);
    bind_check(L, safetensors_save(luaL_checkstring(L, 1), entry, n, *metadata, &e), &e);
    return 0;
}

/* ---- frombuffer ---------------------------------------------------------------------------------------------------- */

/* Keeps a Lua string alive for a storage that shows its bytes. All storages go before the state does. */
struct anchor {
    lua_State *L; /* the main thread */
    int reference;
};

static void release_anchor(void *owner) {
    struct anchor *a = owner;
    luaL_unref(a->L, LUA_REGISTRYINDEX, a->reference);
    mem_free(a);
}

static lua_State *main_thread(lua_State *L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_State *main = lua_tothread(L, -1);
    lua_pop(L, 1);
    return main;
}

static enum status borrow_string(lua_State *L, struct anchor *a, const char *bytes, size_t n, enum dtype d,
                                 const struct shape *s, struct tensor **out, struct err *e) {
    struct storage *storage;
    if (storage_borrow(bind_run(L)->cpu, bytes, n, release_anchor, a, &storage, e)) {
        release_anchor(a);
        return e->status;
    }
    tensor_on(storage, d, s, 0, out, e);
    storage_release(storage);
    return e->status;
}

/* tensor.frombuffer(string, {dtype = "uint8", offset = 0, count = -1}): the string's bytes as a read-only vector. They
 * are shared; where the offset does not suit the dtype, or the runtime is no cpu, they are copied. */
static int tensor_frombuffer(lua_State *L) {
    static const char *const names[] = {"buffer", "dtype", "count", "offset", NULL};
    struct err e = {0};
    struct tensor *t;
    size_t n;
    bind_args(L, 1, "frombuffer", names);
    const char *bytes = luaL_checklstring(L, 1, &n);
    enum dtype d = bind_dtype(L, 2, DT_UINT8);
    lua_Integer count = luaL_optinteger(L, 3, -1), offset = luaL_optinteger(L, 4, 0);
    if (offset < 0 || (size_t)offset > n)
        return luaL_error(L, "ValueError: frombuffer: offset %d lies outside of the buffer's %d bytes", (int)offset,
                          (int)n);
    size_t left = n - (size_t)offset, size = dtype_size(d);
    if (count < 0 && left % size)
        return luaL_error(L, "ValueError: frombuffer: %d bytes are no whole number of %s", (int)left, dtype_name(d));
    if (count < 0) count = (lua_Integer)(left / size);
    if ((size_t)count > left / size)
        return luaL_error(L, "ValueError: frombuffer: the buffer holds %d elements, not %d", (int)(left / size),
                          (int)count);
    struct shape s = SHAPE(count);
    bytes += offset;
    struct run *r = bind_run(L);
    if ((uintptr_t)bytes % size || r->device != r->cpu) {
        bind_check(L, tensor_from(r->device, d, &s, bytes, &t, &e), &e);
    } else {
        struct anchor *a = mem_alloc(sizeof *a, &e);
        bind_check(L, e.status, &e);
        lua_pushvalue(L, 1);
        *a = (struct anchor){main_thread(L), LUA_NOREF};
        a->reference = luaL_ref(L, LUA_REGISTRYINDEX);
        bind_check(L, borrow_string(L, a, bytes, (size_t)count * size, d, &s, &t, &e), &e);
    }
    bind_push_tensor(L, t);
    return 1;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static void set_module(lua_State *L, const char *name, const luaL_Reg *functions) {
    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
    lua_setglobal(L, name);
}

void bind_open_files(lua_State *L) {
    static const luaL_Reg methods[] = {{"read", gzip_read_file}, {"close", gzip_close_file}, {NULL, NULL}};
    static const luaL_Reg gzip[] = {{"open", gzip_open_file}, {NULL, NULL}};
    static const luaL_Reg idx[] = {{"load", idx_load}, {NULL, NULL}};
    static const luaL_Reg safetensors[] = {{"load", load_safetensors}, {"save", save_safetensors}, {NULL, NULL}};
    luaL_newmetatable(L, BIND_GZIP);
    lua_pushcfunction(L, gzip_close_file);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, gzip_close_file);
    lua_setfield(L, -2, "__close");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newmetatable(L, "celda.safetensors");
    lua_pushcfunction(L, holder_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 2);
    set_module(L, "gzip", gzip);
    set_module(L, "idx", idx);
    set_module(L, "safetensors", safetensors);
    lua_getglobal(L, "tensor");
    lua_pushcfunction(L, tensor_frombuffer);
    lua_setfield(L, -2, "frombuffer");
    lua_pop(L, 1);
}
