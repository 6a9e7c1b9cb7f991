/* Boxes: userdata with one pointer into the core. Invariant: a box's pointer is NULL (not filled, or given back) or holds
 * one reference. */
#include <string.h>

#include "base/mem.h"
#include "bind/internal.h"
#include "op/ops.h"

void **bind_box(lua_State *L, const char *type) {
    void **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    luaL_setmetatable(L, type);
    return box;
}

void bind_made(lua_State *L, void *box, enum status s, const struct err *e) {
    if (s != OK) *(void **)box = NULL;
    bind_check(L, s, e);
}

void *bind_test(lua_State *L, int index, const char *type) {
    void **box = luaL_testudata(L, index, type);
    return box ? *box : NULL;
}

void *bind_unbox(lua_State *L, int index, const char *type) {
    void *p = bind_test(L, index, type);
    if (!p) bind_raise(L, ERR_TYPE, "expected a %s, got a %s", type, bind_kind_name(L, index));
    return p;
}

void bind_new_type(lua_State *L, const char *type, const luaL_Reg *events, lua_CFunction release) {
    luaL_newmetatable(L, type);
    luaL_setfuncs(L, events, 0);
    lua_pushcfunction(L, release);
    lua_setfield(L, -2, "__gc");
}

const struct tensor *bind_tensor_at(lua_State *L, int index) {
    const struct variable *v = bind_test(L, index, BIND_VARIABLE);
    return v ? v->value : bind_test(L, index, BIND_TENSOR);
}

void *bind_take(lua_State *L, const char *type) {
    void **box = luaL_testudata(L, 1, type);
    void *p = box ? *box : NULL;
    if (p) *box = NULL;
    return p;
}

/* ---- text ---------------------------------------------------------------------------------------------------------- */

#define BIND_BUF "celda.buf"

static int release_buf(lua_State *L) {
    struct buf *b = luaL_testudata(L, 1, BIND_BUF);
    if (b) buf_free(b);
    return 0;
}

struct buf *bind_new_buf(lua_State *L) {
    struct buf *b = lua_newuserdatauv(L, sizeof *b, 0);
    *b = (struct buf){0};
    if (luaL_newmetatable(L, BIND_BUF)) {
        lua_pushcfunction(L, release_buf);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return b;
}

int bind_push_buf(lua_State *L, struct buf *b) {
    struct err e = {0};
    bind_check(L, buf_status(b, &e), &e);
    lua_pushlstring(L, buf_text(b), b->len);
    buf_free(b);
    return 1;
}

const char *bind_kind_name(lua_State *L, int index) {
    static const char *const types[] = {BIND_TENSOR, BIND_VARIABLE, BIND_OBJECT, BIND_TAPE, BIND_PROGRAM, NULL};
    for (int i = 0; types[i]; i++)
        if (luaL_testudata(L, index, types[i])) return types[i];
    const int type = luaL_getmetafield(L, index, "__name");
    const char *name = type == LUA_TSTRING ? lua_tostring(L, -1) : NULL; /* the metatable keeps it */
    if (type != LUA_TNIL) lua_pop(L, 1);
    return name ? name : luaL_typename(L, index);
}

/* ---- tensors ------------------------------------------------------------------------------------------------------- */

struct tensor **bind_new_tensor(lua_State *L) {
    return (struct tensor **)bind_box(L, BIND_TENSOR);
}

/* Lua's collector sees boxes of a few bytes: steps for what stands behind them keep dead tensors from piling up. A million
 * sums in a loop held 550 MB without the small ones' share. */
void bind_filled(lua_State *L, const struct tensor *t) {
    enum { SMALL = 512, ENOUGH = 32 << 10 }; /* a tensor without its elements; bytes for which a step pays */
    struct bind_state *s = bind_state(L);
    s->unseen += SMALL;
    if (t->storage && !t->storage->readonly && atomic_load(&t->storage->refs) == 1) s->unseen += t->storage->bytes;
    if (s->unseen < ENOUGH) return;
    const size_t kilobytes = s->unseen >> 10;
    s->unseen = 0;
    lua_gc(L, LUA_GCSTEP, kilobytes > 1 << 20 ? 1 << 20 : (int)kilobytes);
}

void bind_push_shared(lua_State *L, struct tensor *t) {
    struct tensor **box = bind_new_tensor(L);
    *box = tensor_retain(t);
}

/* "full: a dimension ..." as "zeros: a dimension ..." */
static void name_function(struct err *e, const char *op, const char *function) {
    const size_t n = strlen(op), length = strlen(e->text);
    if (strncmp(e->text, op, n) != 0 || e->text[n] != ':') return;
    memmove(e->text, e->text + n + 2, length - n - 1);
    err_prefix(e, "%s", function);
}

struct tensor *bind_op_for(lua_State *L, const char *function, const struct op *op, struct tensor *const *in, int nin,
                           const union op_attrs *a) {
    struct err e = {0};
    struct tensor **out = bind_new_tensor(L);
    run_op(bind_run(L), op, in, nin, a, out, &e);
    if (function && e.status) name_function(&e, op->name, function);
    bind_made(L, out, e.status, &e);
    bind_filled(L, *out);
    return *out;
}

struct tensor *bind_op(lua_State *L, const struct op *op, struct tensor *const *in, int nin, const union op_attrs *a) {
    return bind_op_for(L, NULL, op, in, nin, a);
}

/* ---- one box for one thing ----------------------------------------------------------------------------------------- */

static const char boxes; /* its address is the registry key of a table: pointer -> box, weak */

static void push_boxes(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &boxes) != LUA_TNIL) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &boxes);
}

void bind_remember(lua_State *L, void *p) {
    push_boxes(L);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, p);
    lua_pop(L, 1);
}

/* Pushes the box of p and returns NULL, or pushes a new one and returns where p goes. */
static void **push_box_of(lua_State *L, void *p, const char *type) {
    push_boxes(L);
    bool known = lua_rawgetp(L, -1, p) != LUA_TNIL;
    lua_remove(L, -2);
    if (known) return NULL;
    lua_pop(L, 1);
    void **box = bind_box(L, type);
    bind_remember(L, p);
    return box;
}

void bind_push_variable(lua_State *L, struct variable *v) {
    void **box = push_box_of(L, v, BIND_VARIABLE);
    if (box) *box = variable_retain(v);
}

void bind_push_variables(lua_State *L, struct variable *const *v, int n) {
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        bind_push_variable(L, v[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

int bind_variables(lua_State *L, int index, struct variable ***out) {
    index = lua_absindex(L, index);
    if (!lua_istable(L, index))
        bind_raise(L, ERR_TYPE, "expected a list of Variables, got a %s", bind_kind_name(L, index));
    int n = (int)lua_rawlen(L, index);
    *out = lua_newuserdatauv(L, sizeof **out * (size_t)(n + 1), 0);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, index, i + 1);
        (*out)[i] = bind_unbox(L, -1, BIND_VARIABLE);
        lua_pop(L, 1); /* the list holds it */
    }
    return n;
}
