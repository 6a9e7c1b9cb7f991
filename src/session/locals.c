/* Session variables: each is held by a carrier, a Lua closure with that one upvalue, to which the cells' functions are
 * joined. Lua work runs protected, so that nothing here raises. */
#include "session/locals.h"

#include <lauxlib.h>
#include <string.h>

#include "base/mem.h"
#include "cell/array.h"
#include "cell/lua.h"
#include "session/rewrite.h"

struct variable {
    char *name;
    int carrier; /* reference in the registry */
    bool constant;
};

/* A cell that was loaded and has not ended. */
struct pending {
    int keep; /* reference to the table its declarations arrive in */
    int slots;
};

struct locals {
    struct variable *variables;
    size_t count;
    struct pending *pending;
    size_t pending_count;
};

enum status locals_open(struct locals **out, struct err *e) {
    *out = mem_zalloc(sizeof **out, e);
    return e->status;
}

void locals_close(struct locals *s) {
    if (!s) return;
    for (size_t i = 0; i < s->count; i++) mem_free(s->variables[i].name);
    mem_free(s->variables);
    mem_free(s->pending);
    mem_free(s);
}

/* ---- the variables --------------------------------------------------------------------------------------------------
 */

int locals_count(const struct locals *s) {
    return (int)s->count;
}
const char *locals_name(const struct locals *s, int i) {
    return s->variables[i].name;
}
bool locals_is_const(const struct locals *s, int i) {
    return s->variables[i].constant;
}

int locals_find(const struct locals *s, const char *name) {
    for (size_t i = 0; i < s->count; i++)
        if (!strcmp(s->variables[i].name, name)) return (int)i;
    return -1;
}

void locals_get(lua_State *L, const struct locals *s, int i) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->variables[i].carrier);
    lua_getupvalue(L, -1, 1);
    lua_remove(L, -2);
}

void locals_set(lua_State *L, const struct locals *s, int i) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->variables[i].carrier);
    lua_insert(L, -2);
    lua_setupvalue(L, -2, 1);
    lua_pop(L, 1);
}

void locals_forget(lua_State *L, struct locals *s, int i) {
    luaL_unref(L, LUA_REGISTRYINDEX, s->variables[i].carrier);
    mem_free(s->variables[i].name);
    s->count--;
    memmove(&s->variables[i], &s->variables[i + 1], (s->count - (size_t)i) * sizeof *s->variables);
}

void locals_forget_all(lua_State *L, struct locals *s) {
    while (s->count) locals_forget(L, s, (int)s->count - 1);
}

/* ---- taking over what a cell declared -------------------------------------------------------------------------------
 */

/* Raises Lua's own memory error. */
static void no_memory(lua_State *L) {
    lua_pushliteral(L, "not enough memory");
    lua_error(L);
}

void locals_put(lua_State *L, struct locals *s, const char *name, bool constant) {
    struct err e = {0};
    int i = locals_find(s, name), carrier = luaL_ref(L, LUA_REGISTRYINDEX);
    if (i >= 0) {
        luaL_unref(L, LUA_REGISTRYINDEX, s->variables[i].carrier);
        s->variables[i].carrier = carrier;
        s->variables[i].constant = constant;
        return;
    }
    char *copy = mem_strdup(name, &e);
    struct variable *v = copy ? ARRAY_PUSH(s->variables, s->count, &e) : NULL;
    if (!v) {
        mem_free(copy);
        luaL_unref(L, LUA_REGISTRYINDEX, carrier);
        no_memory(L);
        return;
    }
    *v = (struct variable){copy, carrier, constant};
}

/* A chunk's one upvalue, _ENV, is as good as any: pushes a closure with a fresh one. */
static void push_carrier(lua_State *L) {
    if (luaL_loadbufferx(L, "", 0, "=carrier", "t") != LUA_OK) lua_error(L);
}

/* The value on top is a closure over the locals of one statement, or a constant as {name, value}. */
static void keep_slot(lua_State *L, struct locals *s) {
    int slot = lua_gettop(L);
    if (lua_istable(L, slot)) {
        lua_rawgeti(L, slot, 1);
        push_carrier(L);
        lua_rawgeti(L, slot, 2);
        lua_setupvalue(L, -2, 1);
        locals_put(L, s, lua_tostring(L, -2), true);
    }
    const char *name;
    for (int i = 1; lua_isfunction(L, slot) && (name = lua_getupvalue(L, slot, i)) != NULL; i++) {
        push_carrier(L);
        lua_upvaluejoin(L, -1, 1, slot, i);
        locals_put(L, s, name, false);
        lua_settop(L, slot);
    }
    lua_settop(L, slot - 1);
}

/* Each slot is taken once, so that an inner cell's later declaration of the same name stands. */
static void keep_pending(lua_State *L, struct locals *s, const struct pending *p) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, p->keep);
    for (int i = 1; i <= p->slots; i++) {
        lua_rawgeti(L, -1, i);
        keep_slot(L, s);
        lua_pushnil(L);
        lua_rawseti(L, -2, i);
    }
    lua_pop(L, 1);
}

void locals_push_carrier(lua_State *L, const struct locals *s, int i) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->variables[i].carrier);
}

void locals_push_list(lua_State *L, const struct locals *s) {
    lua_createtable(L, (int)s->count, 0);
    for (int i = 0; i < (int)s->count; i++) {
        lua_createtable(L, 3, 0);
        lua_pushstring(L, s->variables[i].name);
        lua_rawseti(L, -2, 1);
        locals_push_carrier(L, s, i);
        lua_rawseti(L, -2, 2);
        lua_pushboolean(L, s->variables[i].constant);
        lua_rawseti(L, -2, 3);
        lua_rawseti(L, -2, i + 1);
    }
}

void locals_set_list(lua_State *L, struct locals *s, int index) {
    index = lua_absindex(L, index);
    const int n = (int)lua_rawlen(L, index);
    locals_forget_all(L, s);
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, index, i);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 3);
        lua_rawgeti(L, -3, 2);
        locals_put(L, s, lua_tostring(L, -3), lua_toboolean(L, -2));
        lua_pop(L, 3);
    }
}

static int keep_all(lua_State *L) {
    struct locals *s = lua_touserdata(L, 1);
    luaL_checkstack(L, 10, NULL);
    for (size_t i = 0; i < s->pending_count; i++) keep_pending(L, s, &s->pending[i]);
    return 0;
}

int locals_keep(lua_State *L, struct locals *s) {
    if (!s->pending_count) return LUA_OK;
    lua_pushcfunction(L, keep_all);
    lua_pushlightuserdata(L, s);
    int status = lua_pcall(L, 1, 0, 0);
    if (status != LUA_OK) lua_pop(L, 1);
    luaL_unref(L, LUA_REGISTRYINDEX, s->pending[--s->pending_count].keep);
    return status;
}

/* ---- loading a cell -------------------------------------------------------------------------------------------------
 */

struct load {
    struct locals *s;
    const char *chunkname;
    struct rewrite rewrite;
    struct cell_lua lua;
    struct buf scratch; /* freed by locals_load, whatever raises */
    struct err err;
};

/* Pushes "[3]:2: message", the chunk's name as Lua shows it. */
static void push_located(lua_State *L, const char *chunkname, int line, const char *message) {
    lua_Debug ar;
    if (luaL_loadbufferx(L, "", 0, chunkname, "t") != LUA_OK) return;
    lua_getinfo(L, ">S", &ar);
    lua_pushfstring(L, "%s:%d: %s", ar.short_src, line, message);
}

/* The rewritten text failed, with its message on top: where Lua refuses the plain text too, its words are better. */
static int explain(lua_State *L, struct load *c) {
    rewrite_plain(&c->rewrite, &c->scratch);
    if (c->scratch.failed) no_memory(L);
    if (luaL_loadbufferx(L, buf_text(&c->scratch), c->scratch.len, c->chunkname, "t") == LUA_OK) lua_pop(L, 1);
    return 1;
}

/* Joins the function at `f` to the session's variables, to fresh globals, and to its table of declarations. */
static void bind_upvalues(lua_State *L, const struct load *c, int f, int keep) {
    const char *name;
    for (int i = 1; (name = lua_getupvalue(L, f, i)) != NULL; i++) {
        lua_pop(L, 1);
        int v = locals_find(c->s, name);
        if (!strcmp(name, c->rewrite.keep)) {
            lua_pushvalue(L, keep);
            lua_setupvalue(L, f, i);
        } else if (v < 0) {
            lua_pushglobaltable(L);
            lua_setupvalue(L, f, i);
        } else {
            lua_rawgeti(L, LUA_REGISTRYINDEX, c->s->variables[v].carrier);
            lua_upvaluejoin(L, f, i, -1, 1);
            lua_pop(L, 1);
        }
    }
}

static void push_pending(lua_State *L, struct load *c, int keep) {
    lua_pushvalue(L, keep);
    int reference = luaL_ref(L, LUA_REGISTRYINDEX);
    struct pending *p = ARRAY_PUSH(c->s->pending, c->s->pending_count, &c->err);
    if (!p) {
        luaL_unref(L, LUA_REGISTRYINDEX, reference);
        no_memory(L);
        return;
    }
    *p = (struct pending){reference, c->rewrite.slots};
}

static const char CELLS[] = "celda.cells"; /* in the registry: the functions of cells, as weak keys */

static void mark_cell(lua_State *L, int f) {
    if (!luaL_getsubtable(L, LUA_REGISTRYINDEX, CELLS)) {
        lua_createtable(L, 0, 1);
        lua_pushliteral(L, "k");
        lua_setfield(L, -2, "__mode");
        lua_setmetatable(L, -2);
    }
    lua_pushvalue(L, f);
    lua_pushboolean(L, true);
    lua_rawset(L, -3);
}

bool locals_is_cell(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (lua_getfield(L, LUA_REGISTRYINDEX, CELLS) == LUA_TTABLE) {
        lua_pushvalue(L, index);
        lua_rawget(L, -2);
        lua_remove(L, -2);
    }
    bool is_cell = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is_cell;
}

/* As rewrite.c makes them: "_k0_", and "_k0_3". */
bool locals_is_internal(const char *name) {
    if (strncmp(name, "_k", 2) != 0) return false;
    const size_t digits = strspn(name + 2, "0123456789");
    const char *rest = name + 2 + digits;
    return digits > 0 && *rest == '_' && rest[1 + strspn(rest + 1, "0123456789")] == 0;
}

/* Lua's word for one of Python's constants, or NULL. */
static const char *constant_of(const char *name) {
    static const char *const constants[][2] = {{"True", "true"}, {"False", "false"}, {"None", "nil"}};
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (strcmp(constants[i][0], name) == 0) return constants[i][1];
    return NULL;
}

/* Such a constant, read where nobody has set it. It would be nil, and {use_bias = False} would say nothing. */
static const struct cell_free_name *python_constant(lua_State *L, const struct load *c) {
    for (size_t i = 0; i < c->lua.free_count; i++) {
        const struct cell_free_name *f = &c->lua.free_names[i];
        if (f->written || !constant_of(f->name)) continue;
        lua_pushglobaltable(L);
        lua_pushstring(L, f->name);
        bool set = lua_rawget(L, -2) != LUA_TNIL || locals_find(c->s, f->name) >= 0;
        lua_pop(L, 2);
        if (!set) return f;
    }
    return NULL;
}

/* Returns the function, or a message with c->err set; raises where there is no memory. */
static int compile(lua_State *L) {
    struct load *c = lua_touserdata(L, 1);
    const struct rewrite *r = &c->rewrite;
    luaL_checkstack(L, 10, NULL);
    const struct cell_free_name *foreign = python_constant(L, c);
    if (foreign) {
        err_set(&c->err, ERR_VALUE, "Lua writes %s, not %s", constant_of(foreign->name), foreign->name);
        push_located(L, c->chunkname, foreign->line, c->err.text);
        return 1;
    }
    if (luaL_loadbufferx(L, buf_text(&r->text), r->text.len, c->chunkname, "t") != LUA_OK) {
        err_set(&c->err, ERR_VALUE, "syntax");
        return explain(L, c);
    }
    for (int i = 0; i < r->depth; i++) lua_call(L, 0, 1);
    int f = lua_gettop(L);
    lua_newtable(L);
    bind_upvalues(L, c, f, f + 1);
    push_pending(L, c, f + 1);
    mark_cell(L, f);
    lua_settop(L, f);
    return 1;
}

/* Pushes where and what the cell's own error is. */
static int report(lua_State *L) {
    struct load *c = lua_touserdata(L, 1);
    if (c->lua.status != CELL_LUA_COMPLETE)
        push_located(L, c->chunkname, c->lua.line, c->lua.message);
    else
        push_located(L, c->chunkname, 1, c->err.text);
    return 1;
}

/* Calls f(c) protected: one value stays on the stack, its result or the error. */
static int protected(lua_State *L, lua_CFunction f, struct load *c) {
    lua_pushcfunction(L, f);
    lua_pushlightuserdata(L, c);
    return lua_pcall(L, 1, 1, 0);
}

/* Everything that needs no Lua: what is to be compiled, or what is wrong. */
static enum status prepare(struct load *c, const char *source, size_t n) {
    const struct locals *s = c->s;
    if (cell_lua_parse(source, n, &c->lua, &c->err) != OK) return c->err.status;
    if (c->lua.status != CELL_LUA_COMPLETE) return err_set(&c->err, ERR_VALUE, "%s", c->lua.message);
    c->rewrite = (struct rewrite){.source = source, .size = n, .lua = &c->lua, .count = s->count};
    c->rewrite.variables = mem_zalloc(s->count * sizeof *c->rewrite.variables, &c->err);
    if (!c->rewrite.variables) return c->err.status;
    for (size_t i = 0; i < s->count; i++)
        c->rewrite.variables[i] = (struct rewrite_variable){s->variables[i].name, s->variables[i].constant, false};
    return rewrite_cell(&c->rewrite, &c->err);
}

static int load(lua_State *L, struct load *c, const char *source, size_t n) {
    lua_pushcfunction(L, keep_all);
    lua_pushlightuserdata(L, c->s);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) return LUA_ERRMEM;
    enum status prepared = prepare(c, source, n);
    if (prepared == ERR_MEMORY) {
        lua_pushliteral(L, "not enough memory");
        return LUA_ERRMEM;
    }
    int status = protected(L, prepared == OK ? compile : report, c);
    return status == LUA_OK && c->err.status != OK ? LUA_ERRSYNTAX : status;
}

int locals_load(lua_State *L, struct locals *s, const char *source, size_t n, const char *chunkname) {
    struct load c = {.s = s, .chunkname = chunkname};
    int status = load(L, &c, source, n);
    buf_free(&c.scratch);
    buf_free(&c.rewrite.text);
    mem_free(c.rewrite.variables);
    cell_lua_free(&c.lua);
    return status;
}
