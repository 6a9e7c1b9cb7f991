/* What a cell's error leaves behind: the user's frames with copies of their locals, which lua/celda/debugger.lua walks.
 * Invariant: the frames are of the last error that ended a cell, or there are none; a cell without an error pays nothing. */
#include <lauxlib.h>
#include <string.h>

#include "session/describe.h"
#include "session/internal.h"

enum { INNERMOST = 60 }; /* frames kept of a long chain of calls */

/* Their addresses are registry keys. */
static const char frames_key;     /* {frame, ..., message =, at = 1, more = whether there were more} */
static const char coroutines_key; /* frames of the coroutines that the error on its way up has left; nil: none */

/* ---- keeping them --------------------------------------------------------------------------------------------------- */

static void set_string(lua_State *L, int table, const char *key, const char *value) {
    lua_pushstring(L, value);
    lua_setfield(L, table, key);
}

static void set_integer(lua_State *L, int table, const char *key, lua_Integer value) {
    lua_pushinteger(L, value);
    lua_setfield(L, table, key);
}

/* frame.names, frame.values: what is in scope, in the order of declaration, Lua's own and the cell's own left out. */
static void keep_locals(lua_State *L, lua_State *from, lua_Debug *ar, int frame) {
    const char *name;
    lua_Integer n = 0;
    lua_newtable(L);
    lua_newtable(L);
    for (int i = 1; (name = lua_getlocal(from, ar, i)) != NULL; i++) {
        lua_xmove(from, L, 1);
        if (*name == '(' || locals_is_internal(name)) {
            lua_pop(L, 1);
            continue;
        }
        lua_rawseti(L, -2, ++n);
        lua_pushstring(L, name);
        lua_rawseti(L, -3, n);
    }
    lua_setfield(L, frame, "values");
    lua_setfield(L, frame, "names");
}

static void keep_varargs(lua_State *L, lua_State *from, lua_Debug *ar, int frame) {
    int n = 0;
    lua_newtable(L);
    while (lua_getlocal(from, ar, -(n + 1))) {
        lua_xmove(from, L, 1);
        lua_rawseti(L, -2, ++n);
    }
    set_integer(L, lua_gettop(L), "n", n);
    lua_setfield(L, frame, "varargs");
}

/* What keep_frame writes to; whoever calls it protected frees the text. */
struct keeper {
    lua_State *L; /* where that runs */
    int frames;   /* index of the list there */
    lua_State *from;
    struct buf place;
};

/* The frame's coroutine, if it is another than the keeper's, is dead: nothing may raise there. */
static void keep_frame(void *arg, lua_State *from, lua_Debug *ar, int skipped) {
    struct keeper *k = arg;
    lua_State *L = k->L;
    const int frame = lua_gettop(L) + 1;
    (void)skipped;
    luaL_checkstack(L, 8, NULL);
    lua_createtable(L, 0, 11);
    lua_pushvalue(from, from == L ? -2 : -1);
    lua_xmove(from, L, 1);
    k->place.len = 0;
    session_describe_frame(L, ar, &k->place);
    if (!locals_is_cell(L, -1) && ar->linedefined > 0) { /* a function of the user's, no chunk */
        set_integer(L, frame, "first", ar->linedefined);
        set_integer(L, frame, "last", ar->lastlinedefined);
    }
    lua_setfield(L, frame, "func");
    set_string(L, frame, "place", buf_text(&k->place));
    set_string(L, frame, "source", ar->source);
    set_integer(L, frame, "line", ar->currentline);
    set_integer(L, frame, "parameters", ar->nparams);
    lua_pushboolean(L, ar->istailcall);
    lua_setfield(L, frame, "tail");
    keep_locals(L, from, ar, frame);
    keep_varargs(L, from, ar, frame);
    lua_rawseti(L, k->frames, (lua_Integer)lua_rawlen(L, k->frames) + 1);
}

/* Pushes the list of the coroutines' frames, or a new one. */
static void push_coroutines(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &coroutines_key) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_newtable(L);
}

static int keep_all(lua_State *L) {
    struct keeper *k = lua_touserdata(L, 1);
    const struct session_report *r = &session_of(L)->report;
    push_coroutines(L);
    k->L = L;
    k->frames = lua_gettop(L);
    lua_pushlstring(L, buf_text(&r->text), r->message);
    lua_setfield(L, k->frames, "message");
    set_integer(L, k->frames, "at", 1);
    lua_pushboolean(L, session_each_frame(L, INNERMOST, 0, keep_frame, k) == INNERMOST);
    lua_setfield(L, k->frames, "more");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &frames_key);
    return 0;
}

static int keep_coroutine(lua_State *L) {
    struct keeper *k = lua_touserdata(L, 1);
    push_coroutines(L);
    k->L = L;
    k->frames = lua_gettop(L);
    session_each_frame(k->from, INNERMOST, 0, keep_frame, k);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &coroutines_key);
    return 0;
}

/* Without memory for it the debugger sees less. */
static void keep(lua_State *L, lua_CFunction f, struct keeper *k) {
    if (!lua_checkstack(L, 2)) return;
    lua_pushcfunction(L, f);
    lua_pushlightuserdata(L, k);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
    buf_free(&k->place);
}

void session_keep_frames(lua_State *L) {
    struct keeper k = {0};
    session_forget_frames(L);
    keep(L, keep_all, &k);
    session_forget_coroutines(L);
}

void session_keep_coroutine(lua_State *L, lua_State *co) {
    struct keeper k = {.from = co};
    keep(L, keep_coroutine, &k);
}

static void forget(lua_State *L, const void *key) {
    if (!lua_checkstack(L, 1)) return;
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

void session_forget_frames(lua_State *L) {
    forget(L, &frames_key);
}

void session_forget_coroutines(lua_State *L) {
    forget(L, &coroutines_key);
}

int session_put_coroutines(lua_State *L, int most, struct buf *out) {
    if (!lua_checkstack(L, 3)) return 0;
    const int top = lua_gettop(L);
    const bool any = lua_rawgetp(L, LUA_REGISTRYINDEX, &coroutines_key) == LUA_TTABLE;
    const int n = any ? (int)lua_rawlen(L, -1) : 0;
    for (int i = 1; i <= n && i <= most; i++) {
        lua_rawgeti(L, top + 1, i);
        lua_getfield(L, -1, "place");
        buf_printf(out, "  %s\n", lua_tostring(L, -1));
        lua_settop(L, top + 1);
    }
    if (n > most) buf_printf(out, "  ... (%d more)\n", n - most);
    lua_settop(L, top);
    return n;
}

/* ---- the debugger's side -------------------------------------------------------------------------------------------- */

/* frames(): the list, innermost first; `at` is the current one's place. nil: no cell has failed. */
static int last_frames(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &frames_key);
    return 1;
}

#define TEXT "celda.text"

static int free_text(lua_State *L) {
    buf_free(luaL_checkudata(L, 1, TEXT));
    return 0;
}

/* inspect(value): as a cell shows it. */
static int inspect(lua_State *L) {
    luaL_checkany(L, 1);
    struct buf *out = lua_newuserdatauv(L, sizeof *out, 0);
    *out = (struct buf){0};
    luaL_setmetatable(L, TEXT);
    session_inspect(L, 1, out);
    lua_pushlstring(L, buf_text(out), out->len);
    return 1;
}

/* describe(value): type, value in short */
static int describe(lua_State *L) {
    struct description d;
    luaL_checkany(L, 1);
    session_describe(L, 1, &d);
    lua_pushstring(L, d.type);
    lua_pushstring(L, d.text);
    return 2;
}

void session_open_frames(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"frames", last_frames}, {"inspect", inspect}, {"describe", describe}, {NULL, NULL}};
    luaL_newmetatable(L, TEXT);
    lua_pushcfunction(L, free_text);
    lua_setfield(L, -2, "__gc");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "celda.core");
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 3);
}

/* ---- names, for completion ------------------------------------------------------------------------------------------ */

/* Pushes the debugger's current frame, if there is one. */
static bool push_current(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &frames_key);
    if (!session_of(L)->debugging || lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    lua_getfield(L, -1, "at");
    lua_gettable(L, -2);
    lua_remove(L, -2);
    return true;
}

void session_each_frame_name(lua_State *L, void (*fn)(void *arg, const char *name), void *arg) {
    const int top = lua_gettop(L);
    const char *name;
    if (!push_current(L)) return;
    lua_getfield(L, top + 1, "names");
    for (lua_Integer i = (lua_Integer)lua_rawlen(L, top + 2); i > 0; i--) {
        lua_rawgeti(L, top + 2, i);
        fn(arg, lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    lua_getfield(L, top + 1, "func");
    for (int i = 1; (name = lua_getupvalue(L, top + 3, i)) != NULL; i++) {
        fn(arg, name);
        lua_pop(L, 1);
    }
    lua_settop(L, top);
}

/* The local's or upvalue's value, above the frame; what comes last hides what came before. */
static bool push_value(lua_State *L, int frame, const char *wanted) {
    const char *name;
    lua_getfield(L, frame, "names");
    lua_getfield(L, frame, "values");
    for (lua_Integer i = (lua_Integer)lua_rawlen(L, frame + 1); i > 0; i--) {
        lua_rawgeti(L, frame + 1, i);
        const bool found = strcmp(lua_tostring(L, -1), wanted) == 0;
        lua_pop(L, 1);
        if (!found) continue;
        lua_rawgeti(L, frame + 2, i);
        return true;
    }
    lua_getfield(L, frame, "func");
    for (int i = 1; (name = lua_getupvalue(L, frame + 3, i)) != NULL; i++) {
        if (strcmp(name, wanted) == 0) return true;
        lua_pop(L, 1);
    }
    return false;
}

bool session_push_frame_value(lua_State *L, const char *name) {
    const int top = lua_gettop(L);
    if (!push_current(L)) return false;
    const bool found = push_value(L, top + 1, name);
    if (found) lua_replace(L, top + 1);
    lua_settop(L, top + found);
    return found;
}

/* ---- commands ------------------------------------------------------------------------------------------------------- */

static enum status run_command(struct session *s, const char *command, bool enter, struct err *e) {
    lua_State *L = s->L;
    const bool outermost = s->depth == 0;
    const int top = lua_gettop(L);
    const bool any = lua_rawgetp(L, LUA_REGISTRYINDEX, &frames_key) != LUA_TNIL;
    lua_settop(L, top);
    if (!any) {
        s->debugging = false;
        return err_set(e, ERR_STATE, "no cell has failed: there is nothing to look at");
    }
    if (outermost) session_interrupt_clear();
    if (session_call(s, &(struct session_call){"celda.debugger", "run", command, enter}, 1, e) == OK)
        s->debugging = s->debugging && !lua_toboolean(L, -1);
    lua_settop(L, top);
    sink_flush(s->sink);
    if (outermost) session_interrupt_clear();
    return e->status;
}

enum status session_debug(struct session *s, const char *command, struct err *e) {
    return run_command(s, command, false, e);
}

enum status session_debug_enter(struct session *s, struct err *e) {
    s->debugging = true;
    return run_command(s, "frame", true, e);
}

bool session_debugging(const struct session *s) {
    return s->debugging;
}

void session_debug_leave(struct session *s) {
    s->debugging = false;
}
