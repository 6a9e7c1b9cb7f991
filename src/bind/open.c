/* Opening: the state that the bindings share, the globals, and the table that lua/keras is written on. */
#include "base/mem.h"
#include "bind/internal.h"

static const char state_key; /* its address is the registry key of the box with the state */

#define BIND_STATE "celda.state"

/* An allocation was refused: dead tensors may make room. Lua runs on the thread that called us, or not at all. */
static void collect(void *arg) {
    struct bind_state *s = arg;
    if (!s->L) return;
    if (s->run->make_room) s->run->make_room(s->run->make_room_arg);
    lua_gc(s->L, LUA_GCCOLLECT);
}

void bind_state_release(struct bind_state *s) {
    if (--s->refs == 0) mem_free(s);
}

static int close_state(lua_State *L) {
    struct bind_state *s = bind_take(L, BIND_STATE);
    if (!s) return 0;
    mem_on_pressure(NULL, NULL);
    s->L = NULL;
    bind_release_strings(s);
    bind_state_release(s);
    return 0;
}

struct bind_state *bind_state(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
    struct bind_state *s = *(struct bind_state **)lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (s->L != L) { /* a coroutine: it stays alive as long as its pointer is kept */
        lua_pushthread(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &s->L);
        s->L = L;
    }
    if (s->released) bind_release_strings(s);
    return s;
}

struct run *bind_run(lua_State *L) {
    return bind_state(L)->run;
}

static void open_state(lua_State *L, struct run *r) {
    static const luaL_Reg none[] = {{0}};
    struct err e = {0};
    bind_new_type(L, BIND_STATE, none, close_state);
    lua_pop(L, 1);
    void **box = bind_box(L, BIND_STATE);
    struct bind_state *s = mem_zalloc(sizeof *s, &e);
    if (!s) luaL_error(L, "%s", e.text);
    *box = s;
    *s = (struct bind_state){.run = r, .L = L, .refs = 1};
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
    mem_on_pressure(collect, s);
}

void bind_open(lua_State *L, struct run *r) {
    open_state(L, r);
    lua_newtable(L);
    int core = lua_gettop(L);
    bind_open_errors(L, core);
    bind_open_members(L, core);
    bind_open_tensor(L);
    bind_open_variable(L, core);
    bind_open_objects(L, core);
    bind_open_tape(L, core);
    bind_open_program(L, core);
    bind_open_training(L, core);
    bind_open_files(L, core);
    bind_open_json(L);
    bind_open_celda(L, core);
    bind_open_draw(L, core);
    bind_open_parts(L, core);
    bind_open_parts_object(L, core);
    bind_open_archive(L, core);
    bind_open_randomness(L, core);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, core);
    lua_setfield(L, -2, "celda.core");
    lua_settop(L, core - 1);
}
