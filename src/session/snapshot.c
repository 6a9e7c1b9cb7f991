/* Snapshots of Lua's side. Invariant: every table and Lua function that was reached is in `list` once, with a shallow copy
 * of what it holds at the same place in `copies`; modules and what they keep are not reached. */
#include "session/snapshot.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bind/bind.h"
#include "session/snapshot_internal.h"

/* A walk over all values, and where its tables lie on the stack. */
struct walk {
    lua_State *L;
    struct snapshot *s;
    int seen, list, copies, metatables;
    int listed, entries;
    const char *root; /* the variable that is being walked from */
    struct err err;
};

/* ---- walking ------------------------------------------------------------------------------------------------------- */

static void leave_out(struct walk *w, const char *what) {
    const char *names = buf_text(&w->s->left_out);
    char line[160];
    snprintf(line, sizeof line, "%.80s: %s\n", w->root, what);
    if (!strstr(names, line)) buf_puts(&w->s->left_out, line);
}

static bool is_modules(lua_State *L, int index) {
    lua_Debug ar;
    lua_pushvalue(L, index);
    lua_getinfo(L, ">S", &ar);
    return strncmp(ar.source, "=celda:", 7) == 0 || strncmp(ar.source, "@celda:", 7) == 0;
}

/* Marks the value on the top as seen; false if it was already. */
static bool first_seen(struct walk *w) {
    lua_State *L = w->L;
    lua_pushvalue(L, -1);
    const bool first = lua_rawget(L, w->seen) == LUA_TNIL;
    lua_pop(L, 1);
    if (!first) return false;
    lua_pushvalue(L, -1);
    lua_pushinteger(L, 0);
    lua_rawset(L, w->seen);
    return true;
}

/* Looks at the value on the top, and leaves it there. */
static void visit(struct walk *w) {
    lua_State *L = w->L;
    const int type = lua_type(L, -1);
    if (type < LUA_TTABLE || type == LUA_TLIGHTUSERDATA || !first_seen(w)) return;
    if (type == LUA_TTHREAD)
        leave_out(w, "a coroutine");
    else if (type == LUA_TUSERDATA)
        bind_snapshot_add(w->s->core, L, -1, &w->err);
    else if (type == LUA_TTABLE || (!lua_iscfunction(L, -1) && !is_modules(L, -1))) {
        lua_pushvalue(L, -1);
        lua_rawseti(L, w->list, ++w->listed);
        lua_pushvalue(L, -1);
        lua_pushinteger(L, w->listed);
        lua_rawset(L, w->seen);
    }
}

/* A shallow copy of the table at `from`, pushed; false where that would be too large. */
static bool copy_table(struct walk *w, int from) {
    lua_State *L = w->L;
    char what[64];
    size_t n = lua_rawlen(L, from);
    if (n > (size_t)(SNAPSHOT_ENTRIES - w->entries)) {
        snprintf(what, sizeof what, "a table of %zu entries", n);
        leave_out(w, what);
        lua_pushboolean(L, false);
        return false;
    }
    lua_createtable(L, (int)n, 0);
    lua_pushnil(L);
    while (lua_next(L, from)) {
        if (++w->entries > SNAPSHOT_ENTRIES) {
            leave_out(w, "a table of many entries");
            lua_pop(L, 3);
            lua_pushboolean(L, false);
            return false;
        }
        visit(w);
        lua_pushvalue(L, -2);
        visit(w);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    return true;
}

/* The upvalues of the function at `from`, pushed as a list. */
static void copy_upvalues(struct walk *w, int from) {
    lua_State *L = w->L;
    lua_newtable(L);
    for (int i = 1; lua_getupvalue(L, from, i); i++) {
        visit(w);
        lua_rawseti(L, -2, i);
    }
}

/* Copies all that is on the list and not copied yet. */
static void walk_from(struct walk *w, int done) {
    lua_State *L = w->L;
    while (done < w->listed) {
        lua_rawgeti(L, w->list, ++done);
        const int value = lua_gettop(L);
        if (lua_isfunction(L, value))
            copy_upvalues(w, value);
        else if (copy_table(w, value) && lua_getmetatable(L, value))
            lua_rawseti(L, w->metatables, done);
        lua_rawseti(L, w->copies, done);
        lua_settop(L, value - 1);
    }
}

/* ---- roots --------------------------------------------------------------------------------------------------------- */

static void walk_root(void *arg, lua_State *L, const char *name) {
    struct walk *w = arg;
    const int done = w->listed;
    w->root = name;
    lua_pushvalue(L, -1);
    visit(w);
    walk_from(w, done);
    lua_pop(L, 1);
}

static void walk_locals(struct walk *w) {
    const struct locals *locals = w->s->session->locals;
    for (int i = 0; i < locals_count(locals); i++) {
        locals_push_carrier(w->L, locals, i);
        walk_root(w, w->L, locals_name(locals, i));
        lua_pop(w->L, 1);
    }
}

/* Modules belong to themselves, the table of globals is copied by its own. */
static void skip_modules(struct walk *w) {
    lua_State *L = w->L;
    lua_pushglobaltable(L);
    first_seen(w);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    first_seen(w);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (lua_istable(L, -1)) first_seen(w);
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
}

static void copy_globals(lua_State *L) {
    lua_newtable(L);
    lua_pushglobaltable(L);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
}

static int take(lua_State *L) {
    struct walk *w = lua_touserdata(L, 1);
    luaL_checkstack(L, 30, NULL);
    lua_newtable(L);
    const int values = lua_gettop(L);
    lua_newtable(L), w->seen = lua_gettop(L);
    lua_newtable(L), w->list = lua_gettop(L);
    lua_newtable(L), w->copies = lua_gettop(L);
    lua_newtable(L), w->metatables = lua_gettop(L);
    skip_modules(w);
    walk_locals(w);
    session_each_global(w->s->session, walk_root, w);
    lua_pushvalue(L, w->list), lua_rawseti(L, values, SNAPSHOT_LIST);
    lua_pushvalue(L, w->copies), lua_rawseti(L, values, SNAPSHOT_COPIES);
    lua_pushvalue(L, w->metatables), lua_rawseti(L, values, SNAPSHOT_METATABLES);
    lua_pushvalue(L, w->seen), lua_rawseti(L, values, SNAPSHOT_PLACES);
    locals_push_list(L, w->s->session->locals), lua_rawseti(L, values, SNAPSHOT_LOCALS);
    copy_globals(L), lua_rawseti(L, values, SNAPSHOT_GLOBALS);
    lua_settop(L, values);
    w->s->values = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/* ---- going back ---------------------------------------------------------------------------------------------------- */

/* Makes the table at `to` hold what the one at `from` holds. */
static void refill(lua_State *L, int to, int from) {
    lua_pushnil(L);
    while (lua_next(L, to)) { /* clearing a field in a traversal is allowed, adding one is not */
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, from) == LUA_TNIL) {
            lua_pushvalue(L, -2);
            lua_pushnil(L);
            lua_rawset(L, to);
        }
        lua_pop(L, 1);
    }
    lua_pushnil(L);
    while (lua_next(L, from)) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, to);
    }
}

static void set_upvalues(lua_State *L, int function, int values) {
    for (int i = 1;; i++) {
        lua_rawgeti(L, values, i);
        if (lua_setupvalue(L, function, i)) continue;
        lua_pop(L, 1);
        return;
    }
}

static void put_back(lua_State *L, int values) {
    lua_rawgeti(L, values, SNAPSHOT_LIST);
    lua_rawgeti(L, values, SNAPSHOT_COPIES);
    lua_rawgeti(L, values, SNAPSHOT_METATABLES);
    const int list = values + 1, copies = values + 2, metatables = values + 3, value = values + 4, copy = values + 5;
    for (lua_Integer i = 1; lua_rawgeti(L, list, i) != LUA_TNIL; i++) {
        lua_rawgeti(L, copies, i);
        if (lua_isfunction(L, value)) {
            set_upvalues(L, value, copy);
        } else if (lua_istable(L, copy)) {
            refill(L, value, copy);
            lua_rawgeti(L, metatables, i);
            lua_setmetatable(L, value);
        }
        lua_settop(L, metatables);
    }
    lua_settop(L, values);
}

static int give_back(lua_State *L) {
    const struct snapshot *s = lua_touserdata(L, 1);
    luaL_checkstack(L, 30, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->values);
    const int values = lua_gettop(L);
    put_back(L, values);
    lua_rawgeti(L, values, SNAPSHOT_LOCALS);
    locals_set_list(L, s->session->locals, -1);
    lua_pushglobaltable(L);
    lua_rawgeti(L, values, SNAPSHOT_GLOBALS);
    refill(L, values + 2, values + 3);
    return 0;
}

/* ---- the snapshot -------------------------------------------------------------------------------------------------- */

/* Runs f(arg) protected; its error is ours. */
static enum status protected(lua_State *L, lua_CFunction f, void *arg, struct err *e) {
    lua_pushcfunction(L, f); lua_pushlightuserdata(L, arg); if (lua_pcall(L, 1, 0, 0) == LUA_OK) return OK;
    const char *text = lua_tostring(L, -1);
    err_set(e, ERR_MEMORY, "%s", text ? text : "an error without a text");
    lua_pop(L, 1);
    return e->status;
}

enum status snapshot_new(struct session *session, size_t budget, struct snapshot **out, struct err *e) {
    struct snapshot *s = mem_zalloc(sizeof *s, e);
    if (!s) return e->status;
    s->session = session;
    s->values = LUA_NOREF;
    struct walk w = {.L = session->L, .s = s};
    if (bind_snapshot_new(session->L, budget, &s->core, e) || protected(session->L, take, &w, e) ||
        buf_status(&s->left_out, e)) {
        snapshot_free(s);
        return e->status;
    }
    bind_snapshot_end(s->core);
    if (w.err.status) {
        *e = w.err;
        snapshot_free(s);
        return e->status;
    }
    *out = s;
    return OK;
}

enum status snapshot_restore(struct snapshot *s, struct err *e) {
    lua_State *L = s->session->L;
    if (bind_snapshot_restore(s->core, L, e)) return e->status;
    return protected(L, give_back, s, e);
}

void snapshot_free(struct snapshot *s) {
    if (!s) return;
    luaL_unref(s->session->L, LUA_REGISTRYINDEX, s->values);
    bind_snapshot_free(s->core);
    buf_free(&s->left_out);
    mem_free(s);
}

const char *snapshot_left_out(const struct snapshot *s) {
    return buf_text(&s->left_out);
}

size_t snapshot_bytes(const struct snapshot *s, const struct snapshot *next) {
    return bind_snapshot_bytes(s->core, next->core);
}
