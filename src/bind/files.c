/* Files as tensors: gzip.open, idx.load, safetensors.load and save, and NumPy's in tensor.load, save and savez. */
#include <lualib.h>
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "bind/internal.h"
#include "tensor/gzip.h"
#include "tensor/idx.h"
#include "tensor/npy.h"
#include "tensor/safetensors.h"

#define BIND_SAFETENSORS "safetensors.file"

/* ---- gzip ---------------------------------------------------------------------------------------------------------- */

static int gzip_open_file(lua_State *L) {
    static const char *const names[] = {"filename", "mode", NULL};
    struct err e = {0};
    bind_args(L, 1, "gzip.open", names);
    const char *path = luaL_checkstring(L, 1);
    if (!strchr(luaL_optstring(L, 2, "rb"), 'r'))
        return bind_raise(L, ERR_UNSUPPORTED, "gzip.open: files can only be read (mode \"rb\")");
    struct gzip_file **box = (struct gzip_file **)bind_box(L, BIND_GZIP);
    bind_made(L, box, gzip_open(path, box, &e), &e);
    return 1;
}

static int gzip_close_file(lua_State *L) {
    struct gzip_file *f = bind_take(L, BIND_GZIP);
    if (f) gzip_close(f);
    return 0;
}

/* f:read([n]): a string of up to n bytes, or of all that are left. */
static int gzip_read_file(lua_State *L) {
    struct gzip_file *f = bind_test(L, 1, BIND_GZIP);
    lua_Integer n = lua_isnoneornil(L, 2) ? -1 : bind_integer(L, 2, "n");
    struct err e = {0};
    if (!f) return bind_raise(L, ERR_STATE, "read of a file that is closed");
    struct buf *b = bind_new_buf(L);
    bind_check(L, gzip_read(f, n < 0 ? SIZE_MAX : (size_t)n, b, &e), &e);
    return bind_push_buf(L, b);
}

/* ---- IDX ----------------------------------------------------------------------------------------------------------- */

static enum status read_idx(struct run *r, const char *path, struct buf *bytes, struct tensor **out, struct err *e) {
    struct gzip_file *f;
    if (gzip_open(path, &f, e)) return e->status;
    if (gzip_read(f, SIZE_MAX, bytes, e) == OK && idx_read(r->device, buf_text(bytes), bytes->len, out, e))
        err_prefix(e, "'%s'", path);
    gzip_close(f);
    buf_free(bytes);
    return e->status;
}

/* idx.load(path): plain or .gz. */
static int idx_load(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    struct err e = {0};
    struct buf *bytes = bind_new_buf(L);
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, read_idx(bind_run(L), path, bytes, out, &e), &e);
    bind_filled(L, *out);
    return 1;
}

/* ---- safetensors --------------------------------------------------------------------------------------------------- */

static int release_file(lua_State *L) {
    struct safetensors *s = luaL_testudata(L, 1, BIND_SAFETENSORS);
    if (s) safetensors_free(s);
    return 0;
}

/* safetensors.load(path): a table of tensors by name, and a table of metadata. */
static int load_safetensors(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    struct err e = {0};
    struct safetensors *s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (struct safetensors){0};
    luaL_setmetatable(L, BIND_SAFETENSORS);
    bind_check(L, safetensors_load(bind_run(L)->device, path, s, &e), &e);
    lua_createtable(L, 0, s->count);
    for (int i = 0; i < s->count; i++) {
        bind_push_shared(L, s->entry[i].tensor);
        lua_setfield(L, -2, s->entry[i].name);
    }
    bind_push_json(L, s->metadata);
    return 2;
}

/* Pushes the names of the table of tensors at 2, sorted; returns how many. */
static int push_sorted_names(lua_State *L) {
    int n = 0;
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            bind_raise(L, ERR_TYPE, "safetensors.save: a tensor's name must be a string, not a %s",
                       luaL_typename(L, -2));
        lua_pushvalue(L, -2);
        lua_rawseti(L, -4, ++n);
    }
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 0);
    lua_getfield(L, -1, "sort");
    lua_pushvalue(L, -3);
    lua_call(L, 1, 0);
    lua_pop(L, 1);
    return n;
}

/* The table of tensors at 2 in its names' alphabetical order, in a userdata that is pushed on what keeps them; returns how
 * many. */
static int push_entries(lua_State *L, struct safetensors_entry **out) {
    int n = push_sorted_names(L), names = lua_gettop(L);
    lua_createtable(L, n, 0); /* keeps tensors that were made of numbers */
    struct safetensors_entry *entry = lua_newuserdatauv(L, sizeof *entry * (size_t)(n + 1), 0);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, names, i + 1);
        const char *name = lua_tostring(L, -1);
        lua_rawget(L, 2);
        entry[i] = (struct safetensors_entry){.name = (char *)name, .tensor = bind_tensor(L, -1)};
        lua_rawseti(L, names + 1, i + 1);
    }
    *out = entry;
    return n;
}

/* safetensors.save(path, {name = tensor}[, metadata]): in the names' alphabetical order. */
static int save_safetensors(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    struct safetensors_entry *entry;
    struct err e = {0};
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 3);
    int n = push_entries(L, &entry);
    const json_t *metadata = lua_isnil(L, 3) ? NULL : bind_hold_as_json(L, 3);
    bind_check(L, safetensors_save(path, entry, n, metadata, &e), &e);
    return 0;
}

/* ---- npy and npz --------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *path, const char *ending) {
    size_t n = strlen(path), k = strlen(ending);
    return n >= k && strcmp(path + n - k, ending) == 0;
}

/* The path at 1, with the ending that numpy adds, pushed. */
static const char *push_path(lua_State *L, const char *ending) {
    const char *path = luaL_checkstring(L, 1);
    return lua_pushfstring(L, "%s%s", path, ends_with(path, ending) ? "" : ending);
}

/* tensor.save(path, x) */
static int save_npy(lua_State *L) {
    struct err e = {0};
    lua_settop(L, 2);
    const char *path = push_path(L, ".npy");
    bind_check(L, npy_save(path, bind_tensor(L, 2), &e), &e);
    return 0;
}

/* tensor.savez(path, {name = x}) */
static int save_npz(lua_State *L) {
    struct safetensors_entry *entry;
    struct err e = {0};
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    const char *path = push_path(L, ".npz");
    int n = push_entries(L, &entry);
    bind_check(L, npz_save(path, entry, n, &e), &e);
    return 0;
}

/* The tensors by name of a file's bytes. */
static int push_npz(lua_State *L, const struct buf *bytes) {
    struct err e = {0};
    struct safetensors *s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (struct safetensors){0};
    luaL_setmetatable(L, BIND_SAFETENSORS);
    bind_check(L, npz_read(bind_run(L)->device, bytes->data, bytes->len, s, &e), &e);
    lua_createtable(L, 0, s->count);
    for (int i = 0; i < s->count; i++) {
        bind_push_shared(L, s->entry[i].tensor);
        lua_setfield(L, -2, s->entry[i].name);
    }
    return 1;
}

/* tensor.load(path): a tensor of an .npy, a table of tensors of an .npz. */
static int load_numpy(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    struct err e = {0};
    struct buf *bytes = bind_new_buf(L);
    bind_check(L, buf_read_file(bytes, path, &e), &e);
    if (npz_is(bytes->data, bytes->len)) return push_npz(L, bytes);
    struct tensor **out = bind_new_tensor(L);
    if (npy_read(bind_run(L)->device, buf_text(bytes), bytes->len, out, &e)) err_prefix(&e, "'%s'", path);
    buf_free(bytes);
    bind_made(L, out, e.status, &e);
    bind_filled(L, *out);
    return 1;
}

/* core.write_file(path, bytes): the whole file or, after an error, the old one. */
static int write_file(lua_State *L) {
    size_t n;
    struct err e = {0};
    const char *path = luaL_checkstring(L, 1), *bytes = luaL_checklstring(L, 2, &n);
    file_replace(path, bytes, n, &e);
    bind_check(L, e.status, &e);
    return 0;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

void bind_open_files(lua_State *L, int core) {
    static const luaL_Reg events[] = {{"__close", gzip_close_file}, {NULL, NULL}}, none[] = {{NULL, NULL}};
    static const luaL_Reg methods[] = {{"read", gzip_read_file}, {"close", gzip_close_file}, {NULL, NULL}};
    static const luaL_Reg gzip[] = {{"open", gzip_open_file}, {NULL, NULL}};
    static const luaL_Reg idx[] = {{"load", idx_load}, {NULL, NULL}};
    static const luaL_Reg safetensors[] = {{"load", load_safetensors}, {"save", save_safetensors}, {NULL, NULL}};
    static const luaL_Reg numpy[] = {{"load", load_numpy}, {"save", save_npy}, {"savez", save_npz}, {NULL, NULL}};
    static const char *const types[] = {BIND_GZIP, NULL};
    lua_pushcfunction(L, write_file);
    lua_setfield(L, core, "write_file");
    bind_new_type(L, BIND_GZIP, events, gzip_close_file);
    luaL_newlib(L, methods);
    bind_methods(L, "file", types);
    lua_setfield(L, -2, "__index");
    bind_new_type(L, BIND_SAFETENSORS, none, release_file);
    lua_pop(L, 2);
    lua_getglobal(L, "tensor");
    luaL_setfuncs(L, numpy, 0);
    lua_pop(L, 1);
    luaL_newlib(L, gzip);
    bind_strict(L, "gzip");
    lua_setglobal(L, "gzip");
    luaL_newlib(L, idx);
    bind_strict(L, "idx");
    lua_setglobal(L, "idx");
    luaL_newlib(L, safetensors);
    bind_strict(L, "safetensors");
    lua_setglobal(L, "safetensors");
}
