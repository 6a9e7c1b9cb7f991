/* A session's life: one Lua state with everything bound in. Invariant: the sink, the folder and the magics outlive a reset
 * of the state. */
#include "session/session.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/wrap.h"
#include "bind/bind.h"
#include "session/internal.h"

struct session *session_of(lua_State *L) {
    return *(struct session **)lua_getextraspace(L);
}

struct sink *session_sink(struct session *s) {
    return s->sink;
}
lua_State *session_lua(struct session *s) {
    return s->L;
}
struct run *session_runtime(struct session *s) {
    return s->run;
}
const char *session_folder(const struct session *s) {
    return s->folder;
}
void session_set_sink(struct session *s, struct sink *sink) {
    s->sink = sink;
}

int session_runs(const struct session *s) {
    return s->runs;
}
void session_set_runs(struct session *s, int runs) {
    s->runs = runs;
}

void session_set_magic(struct session *s, session_magic_fn *fn, void *arg) {
    s->magic = fn;
    s->magic_arg = arg;
}

static const char first_globals; /* its address is a registry key */

static void remember_globals(lua_State *L) {
    lua_newtable(L);
    lua_pushglobaltable(L);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushboolean(L, true);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &first_globals);
}

static int remember(lua_State *L) {
    remember_globals(L);
    return 0;
}

void session_hide_globals(struct session *s) {
    lua_pushcfunction(s->L, remember);
    if (lua_pcall(s->L, 0, 0, 0) != LUA_OK) lua_pop(s->L, 1); /* they are listed then */
}

/* Runs protected: opening libraries may raise for lack of memory. */
static int open_libraries(lua_State *L) {
    luaL_openlibs(L);
    session_open_output(L);
    session_open_catchers(L);
    bind_open(L, session_of(L)->run);
    session_open_output_info(L);
    session_open_modules(L);
    session_open_parts(L);
    session_open_frames(L);
    session_open_extend(L);
    session_open_names(L);
    remember_globals(L);
    return 0;
}

static enum status open_state(struct session *s, struct err *e) {
    s->L = lua_newstate(mem_lua, NULL);
    if (!s->L) return err_set(e, ERR_MEMORY, "out of memory: no Lua state");
    *(struct session **)lua_getextraspace(s->L) = s;
    lua_pushcfunction(s->L, open_libraries);
    if (lua_pcall(s->L, 0, 0, 0) == LUA_OK) return OK;
    return err_set(e, ERR_STATE, "cannot open the session: %s", lua_tostring(s->L, -1));
}

static void close_state(struct session *s) {
    session_forget_undo(s);
    if (s->L) lua_close(s->L);
    s->L = NULL;
    locals_close(s->locals);
    s->locals = NULL;
    run_close(s->run);
    s->run = NULL;
    buf_free(&s->report.text);
}

static void show_notice(void *arg, const struct device *d, const char *text) {
    struct sink *sink = ((struct session *)arg)->sink;
    char line[256];
    const int n = snprintf(line, sizeof line, "%s: %s\n", d->name, text);
    wrap_to(sink, SINK_STATUS, line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
}

/* Memory is short: what only the past is kept for goes. */
static void make_room(void *arg) {
    struct session *s = arg;
    session_drop_undo(s);
    session_forget_frames(s->L);
}

static enum status open_all(struct session *s, struct err *e) {
    if (run_open(&s->run, e) || locals_open(&s->locals, e)) return e->status;
    s->run->notice = show_notice;
    s->run->notice_arg = s;
    s->run->make_room = make_room;
    s->run->make_room_arg = s;
    return open_state(s, e);
}

enum status session_open(struct sink *sink, struct session **out, struct err *e) {
    struct session *s = mem_zalloc(sizeof *s, e);
    if (!s) return e->status;
    s->sink = sink;
    s->folder = mem_strdup(".", e);
    if (!s->folder || open_all(s, e)) {
        session_close(s);
        return e->status;
    }
    *out = s;
    return OK;
}

void session_close(struct session *s) {
    if (!s) return;
    session_forget_checkpoints(s);
    close_state(s);
    session_ledger_close(s);
    session_unwatch_all(s);
    session_forget_inputs(s);
    mem_free(s->folder);
    mem_free(s);
}

enum status session_reset(struct session *s, struct err *e) {
    if (s->lua_calls > 0) return err_set(e, ERR_STATE, "the session cannot be reset from within Lua code");
    const size_t undo = session_undo_budget(s);
    close_state(s);
    if (open_all(s, e) || session_keep_undo(s, undo, e)) return e->status;
    if (s->init) session_load_init(s);
    return OK;
}

enum status session_set_folder(struct session *s, const char *path, struct err *e) {
    char *copy = mem_strdup(path, e);
    if (!copy) return e->status;
    mem_free(s->folder);
    s->folder = copy;
    return OK;
}

void session_set_args(struct session *s, const char *script, char **argv, int argc) {
    s->may_exit = true;
    lua_createtable(s->L, argc, 1);
    lua_pushstring(s->L, script);
    lua_seti(s->L, -2, 0);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(s->L, argv[i]);
        lua_seti(s->L, -2, i + 1);
    }
    lua_setglobal(s->L, "arg");
}

void session_each_local(struct session *s, void (*fn)(void *arg, lua_State *L, const char *name), void *arg) {
    for (int i = 0; i < locals_count(s->locals); i++) {
        locals_get(s->L, s->locals, i);
        fn(arg, s->L, locals_name(s->locals, i));
        lua_pop(s->L, 1);
    }
}

void session_each_global(struct session *s, void (*fn)(void *arg, lua_State *L, const char *name), void *arg) {
    lua_State *L = s->L;
    int top = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &first_globals);
    lua_pushglobaltable(L);
    lua_pushnil(L);
    while (lua_next(L, top + 2)) {
        lua_pushvalue(L, -2);
        bool mine = lua_rawget(L, top + 1) == LUA_TNIL && lua_type(L, -3) == LUA_TSTRING;
        lua_pop(L, 1);
        if (mine && strcmp(lua_tostring(L, -2), "_") != 0) fn(arg, L, lua_tostring(L, -2));
        lua_pop(L, 1);
    }
    lua_settop(L, top);
}
