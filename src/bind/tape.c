/* keras.GradientTape. It records from its construction to its close, its collection or the first gradient of a
 * non-persistent one; gradients can be taken after it closed. */
#include "bind/internal.h"

static int tape_create(lua_State *L) {
    static const char *const names[] = {"persistent", "watch_accessed_variables", NULL};
    struct run *r = bind_run(L);
    struct err e = {0};
    struct tape *t;
    bind_args(L, 1, "GradientTape", names);
    if (!lua_isnil(L, 2) && !lua_toboolean(L, 2))
        return luaL_error(L, "ValueError: GradientTape: watch_accessed_variables = false is not supported");
    if (r->ntape == RUN_MAX_TAPES) {
        lua_gc(L, LUA_GCCOLLECT); /* tapes that nobody holds stop recording */
        if (r->ntape == RUN_MAX_TAPES)
            return luaL_error(L, "StateError: %d gradient tapes record at once; close some", RUN_MAX_TAPES);
    }
    void **box = bind_box(L, BIND_TAPE);
    bind_check(L, tape_new(lua_toboolean(L, 1), &t, &e), &e);
    *box = t;
    r->tape[r->ntape++] = t;
    return 1;
}

static void stop_recording(struct run *r, const struct tape *t) {
    for (int i = 0; i < r->ntape; i++) {
        if (r->tape[i] != t) continue;
        for (int k = i + 1; k < r->ntape; k++) r->tape[k - 1] = r->tape[k];
        r->ntape--;
        return;
    }
}

static int tape_close(lua_State *L) {
    struct tape *t = bind_test(L, 1, BIND_TAPE);
    if (t) stop_recording(bind_run(L), t);
    return 0;
}

static int tape_gc(lua_State *L) {
    void **box = luaL_checkudata(L, 1, BIND_TAPE);
    struct run *r = bind_run(L);
    if (*box && r) stop_recording(r, *box);
    tape_free(*box);
    *box = NULL;
    return 0;
}

/* tape:watch(x), x a tensor or a list of them. */
static int tape_watch_value(lua_State *L) {
    struct tape *t = bind_unbox(L, 1, BIND_TAPE);
    struct err e = {0};
    if (lua_istable(L, 2)) {
        for (lua_Integer i = 1; i <= luaL_len(L, 2); i++) {
            lua_geti(L, 2, i);
            bind_check(L, tape_watch(t, bind_tensor(L, lua_gettop(L)), &e), &e);
            lua_pop(L, 1);
        }
        return 0;
    }
    bind_check(L, tape_watch(t, bind_tensor(L, 2), &e), &e);
    return 0;
}

enum { MAX_SOURCES = 4096 };

/* The sources as tensors: a list's items or one value; they stay on the stack. */
static int push_sources(lua_State *L, int index, bool list, struct tensor **source) {
    int n = list ? (int)luaL_len(L, index) : 1;
    if (n > MAX_SOURCES) luaL_error(L, "ValueError: at most %d sources", MAX_SOURCES);
    luaL_checkstack(L, n + 20, "too many sources");
    for (int i = 0; i < n; i++) {
        if (list)
            lua_geti(L, index, i + 1);
        else
            lua_pushvalue(L, index);
        source[i] = bind_tensor(L, lua_gettop(L));
    }
    return n;
}

static void push_gradient(lua_State *L, struct tensor *g) {
    if (g)
        bind_push_tensor(L, g);
    else
        lua_pushnil(L);
}

/* Takes the gradients out of the emitter; then nothing is left to leak if Lua raises. */
static enum status compute(struct run *r, struct tape *t, struct tensor *target, struct tensor *seed,
                           struct tensor **source, int n, struct tensor **gradient, struct err *e) {
    struct op_emitter emit = run_emitter(r, e);
    enum status s = tape_gradient(t, &emit, target, seed, source, n, gradient, e);
    for (int i = 0; i < n; i++) gradient[i] = s == OK && gradient[i] ? tensor_retain(gradient[i]) : NULL;
    op_emitter_close(&emit);
    return s;
}

/* tape:gradient(target, sources, {output_gradients = g}): a tensor or a list like sources; nil where there is none. */
static int tape_gradient_of(lua_State *L) {
    static const char *const names[] = {"target", "sources", "output_gradients", NULL};
    struct tape *t = bind_unbox(L, 1, BIND_TAPE);
    struct run *r = bind_run(L);
    struct err e = {0};
    bind_args(L, 2, "gradient", names);
    struct tensor *target = bind_tensor(L, 2), *seed = lua_isnil(L, 4) ? NULL : bind_tensor(L, 4);
    if (seed) seed = bind_cast(L, seed, target->dtype);
    bool list = lua_istable(L, 3);
    int most = list ? (int)luaL_len(L, 3) : 1;
    struct tensor **source = lua_newuserdatauv(L, 2 * sizeof *source * (size_t)(most + 1), 0);
    struct tensor **gradient = source + most + 1;
    int n = push_sources(L, 3, list, source);
    lua_createtable(L, n, 0); /* before the gradients: from here on they are in no danger but of memory */
    luaL_checkstack(L, n + 8, NULL);
    bind_check(L, compute(r, t, target, seed, source, n, gradient, &e), &e);
    for (int i = 0; i < n; i++) {
        push_gradient(L, gradient[i]);
        if (!list) return 1;
        lua_seti(L, -2, i + 1);
    }
    return 1;
}

void bind_open_tape(lua_State *L) {
    static const luaL_Reg methods[] = {{"watch", tape_watch_value},
                                       {"gradient", tape_gradient_of},
                                       {"stop_recording", tape_close},
                                       {"close", tape_close},
                                       {NULL, NULL}};
    luaL_newmetatable(L, BIND_TAPE);
    lua_pushcfunction(L, tape_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, tape_close);
    lua_setfield(L, -2, "__close");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_getglobal(L, "celda");
    lua_pushcfunction(L, tape_create);
    lua_setfield(L, -2, "GradientTape");
    lua_pop(L, 2);
}
