/* What changed since a snapshot: at all, and by the names of variables. */
#include <lauxlib.h>
#include <string.h>

#include "session/snapshot_internal.h"

/* ---- at all -- ----------------------------------------------------------------------------------------------------- */

/* Whether all fields of table a are those of table b; `except` does not count. */
static bool holds(lua_State *L, int a, int b, const char *except) {
    lua_pushnil(L);
    while (lua_next(L, a)) {
        lua_pushvalue(L, -2);
        lua_rawget(L, b);
        const bool counts = !except || lua_type(L, -3) != LUA_TSTRING || strcmp(lua_tostring(L, -3), except) != 0;
        if (counts && !lua_rawequal(L, -1, -2)) {
            lua_pop(L, 3);
            return false;
        }
        lua_pop(L, 2);
    }
    return true;
}

static bool same_table(lua_State *L, const char *except) {
    const int a = lua_gettop(L) - 1, b = a + 1;
    const bool same = lua_istable(L, a) && lua_istable(L, b) ? holds(L, a, b, except) && holds(L, b, a, except)
                                                             : lua_rawequal(L, a, b);
    lua_pop(L, 2);
    return same;
}

static bool same_part(lua_State *L, int a, int b, int part, const char *except) {
    lua_rawgeti(L, a, part);
    lua_rawgeti(L, b, part);
    return same_table(L, except);
}

static bool same_copies(lua_State *L, int a, int b) {
    lua_rawgeti(L, a, SNAPSHOT_COPIES);
    lua_rawgeti(L, b, SNAPSHOT_COPIES);
    const int top = lua_gettop(L);
    const lua_Integer n = (lua_Integer)lua_rawlen(L, top);
    bool same = true;
    for (lua_Integer i = 1; same && i <= n; i++) {
        lua_rawgeti(L, top - 1, i);
        lua_rawgeti(L, top, i);
        same = same_table(L, NULL);
    }
    lua_settop(L, top - 2);
    return same;
}

bool snapshot_same(const struct snapshot *s, const struct snapshot *next) {
    lua_State *L = s->session->L;
    if (s->left_out.len || next->left_out.len || !bind_snapshot_same(s->core, next->core)) return false;
    if (!lua_checkstack(L, 30)) return false;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->values);
    lua_rawgeti(L, LUA_REGISTRYINDEX, next->values);
    const int b = lua_gettop(L), a = b - 1;
    const bool same = same_part(L, a, b, SNAPSHOT_GLOBALS, "_") && same_part(L, a, b, SNAPSHOT_LIST, NULL) &&
                      same_part(L, a, b, SNAPSHOT_METATABLES, NULL) && same_copies(L, a, b);
    lua_settop(L, a - 1);
    return same;
}

/* ---- by name ------------------------------------------------------------------------------------------------------- */

/* A walk over what a variable reaches now, beside what it reached then. */
struct comparison {
    lua_State *L;
    const struct snapshot *s;
    int list, copies, metatables, places, globals; /* of the snapshot, on the stack */
    int visited, todo;                             /* tables on the stack */
    lua_Integer waiting;
    snapshot_change_fn *fn;
    void *arg;
};

/* Puts the value on the top on the list of those to look at, unless it was there; pops it. */
static void look_at(struct comparison *c) {
    lua_State *L = c->L;
    const int type = lua_type(L, -1);
    if (type == LUA_TTABLE || type == LUA_TUSERDATA || type == LUA_TFUNCTION) {
        lua_pushvalue(L, -1);
        if (lua_rawget(L, c->visited) == LUA_TNIL) {
            lua_pushvalue(L, -2);
            lua_pushboolean(L, true);
            lua_rawset(L, c->visited);
            lua_pushvalue(L, -2);
            lua_rawseti(L, c->todo, ++c->waiting);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* The table at `now` against its copy at `then`; what it holds is looked at next. */
static bool table_changed(struct comparison *c, int now, int then, lua_Integer place) {
    lua_State *L = c->L;
    if (!lua_istable(L, then)) return false; /* it was too large */
    if (luaL_getmetafield(L, now, "__cache") != LUA_TNIL) {
        lua_pop(L, 1);
        return false;
    }
    if (!holds(L, now, then, NULL) || !holds(L, then, now, NULL)) return true;
    lua_rawgeti(L, c->metatables, place);
    if (!lua_getmetatable(L, now)) lua_pushnil(L);
    const bool other = !lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    lua_pushnil(L);
    while (!other && lua_next(L, now)) {
        look_at(c);
        lua_pushvalue(L, -1);
        look_at(c);
    }
    return other;
}

static bool upvalues_changed(struct comparison *c, int now, int then) {
    lua_State *L = c->L;
    for (int i = 1; lua_getupvalue(L, now, i); i++) {
        lua_rawgeti(L, then, i);
        const bool same = lua_rawequal(L, -1, -2);
        lua_pop(L, 1);
        if (!same) {
            lua_pop(L, 1);
            return true;
        }
        look_at(c);
    }
    return false;
}

/* Whether the value on the top is, by itself, another than it was. */
static bool node_changed(struct comparison *c) {
    lua_State *L = c->L;
    const int now = lua_gettop(L);
    if (lua_isuserdata(L, now)) return bind_snapshot_changed(c->s->core, L, now);
    lua_pushvalue(L, now);
    const bool known = lua_rawget(L, c->places) != LUA_TNIL;
    const lua_Integer place = lua_tointeger(L, -1);
    if (!known || place == 0) return !known && lua_istable(L, now); /* modules and their functions are left alone */
    lua_rawgeti(L, c->copies, place);
    return lua_isfunction(L, now) ? upvalues_changed(c, now, now + 2) : table_changed(c, now, now + 2, place);
}

/* Whether anything that the value on the top reaches changed; pops it. */
static bool reaches_change(struct comparison *c) {
    lua_State *L = c->L;
    const int top = lua_gettop(L) - 1;
    bool changed = false;
    lua_newtable(L), lua_replace(L, c->visited);
    lua_newtable(L), lua_replace(L, c->todo);
    c->waiting = 0;
    look_at(c);
    for (lua_Integer i = 1; !changed && i <= c->waiting; i++) {
        lua_rawgeti(L, c->todo, i);
        changed = node_changed(c);
        lua_settop(L, top);
    }
    return changed;
}

/* The value that the local had: its carrier's upvalue. Pushes it, or nil where the carrier is new. */
static bool push_value_then(struct comparison *c, int carrier) {
    lua_State *L = c->L;
    lua_pushvalue(L, carrier);
    lua_rawget(L, c->places);
    const lua_Integer place = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (place == 0) {
        lua_pushnil(L);
        return false;
    }
    lua_rawgeti(L, c->copies, place);
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
    return true;
}

/* Reports the variable whose values then and now are the two on the top, and pops them. */
static void report(struct comparison *c, const char *name, bool known) {
    lua_State *L = c->L;
    bool changed = !known || !lua_rawequal(L, -1, -2);
    if (!changed) {
        lua_pushvalue(L, -1);
        changed = reaches_change(c);
    }
    if (changed) c->fn(c->arg, L, name, known);
    lua_pop(L, 2);
}

static void compare_locals(struct comparison *c) {
    const struct locals *locals = c->s->session->locals;
    for (int i = 0; i < locals_count(locals); i++) {
        locals_push_carrier(c->L, locals, i);
        const bool known = push_value_then(c, lua_gettop(c->L));
        locals_get(c->L, locals, i);
        report(c, locals_name(locals, i), known);
        lua_pop(c->L, 1);
    }
}

static void compare_global(void *arg, lua_State *L, const char *name) {
    struct comparison *c = arg;
    const bool known = lua_getfield(L, c->globals, name) != LUA_TNIL;
    lua_pushvalue(L, -2);
    report(c, name, known);
}

/* Globals that there are no more. */
static void compare_gone(struct comparison *c) {
    lua_State *L = c->L;
    lua_pushglobaltable(L);
    const int now = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, c->globals)) {
        lua_pushvalue(L, -2);
        const bool gone = lua_rawget(L, now) == LUA_TNIL && lua_type(L, -3) == LUA_TSTRING;
        if (gone && strcmp(lua_tostring(L, -3), "_") != 0) c->fn(c->arg, L, lua_tostring(L, -3), true);
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
}

static int compare(lua_State *L) {
    struct comparison *c = lua_touserdata(L, 1);
    luaL_checkstack(L, 40, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, c->s->values);
    lua_rawgeti(L, 2, SNAPSHOT_LIST), c->list = 3;
    lua_rawgeti(L, 2, SNAPSHOT_COPIES), c->copies = 4;
    lua_rawgeti(L, 2, SNAPSHOT_METATABLES), c->metatables = 5;
    lua_rawgeti(L, 2, SNAPSHOT_PLACES), c->places = 6;
    lua_rawgeti(L, 2, SNAPSHOT_GLOBALS), c->globals = 7;
    lua_newtable(L), c->visited = 8;
    lua_newtable(L), c->todo = 9;
    compare_locals(c);
    session_each_global(c->s->session, compare_global, c);
    compare_gone(c);
    return 0;
}

enum status snapshot_changes(const struct snapshot *s, snapshot_change_fn *fn, void *arg, struct err *e) {
    lua_State *L = s->session->L;
    struct comparison c = {.L = L, .s = s, .fn = fn, .arg = arg};
    lua_pushcfunction(L, compare);
    lua_pushlightuserdata(L, &c);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK) return OK;
    err_set(e, ERR_MEMORY, "%s", lua_tostring(L, -1) ? lua_tostring(L, -1) : "an error without a text");
    lua_pop(L, 1);
    return e->status;
}
