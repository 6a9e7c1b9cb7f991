/* keras.GradientTape. It records from its construction to its close, its collection, or the first gradient of one that is
 * not persistent; gradients can be taken after it closed. */
#include "bind/internal.h"

struct tape_box {
    struct tape *tape; /* first, as in every box */
    bool persistent;
};

/* GradientTape([persistent = false]) */
static int tape_create(lua_State *L) {
    static const char *const names[] = {"persistent", "watch_accessed_variables", NULL};
    struct run *r = bind_run(L);
    struct err e = {0};
    bind_args(L, 1, "GradientTape", names);
    if (!bind_boolean(L, 2, true))
        return bind_raise(L, ERR_UNSUPPORTED, "GradientTape: watch_accessed_variables = false is not supported");
    if (r->ntape == RUN_MAX_TAPES) lua_gc(L, LUA_GCCOLLECT); /* tapes that nobody holds stop recording */
    if (r->ntape == RUN_MAX_TAPES)
        return bind_raise(L, ERR_STATE, "%d gradient tapes record at once; close some", RUN_MAX_TAPES);
    struct tape_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = (struct tape_box){.persistent = bind_boolean(L, 1, false)};
    luaL_setmetatable(L, BIND_TAPE);
    bind_made(L, box, tape_new(box->persistent, &box->tape, &e), &e);
    r->tape[r->ntape++] = box->tape;
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

static int release(lua_State *L) {
    struct tape *t = bind_take(L, BIND_TAPE);
    if (t) stop_recording(bind_run(L), t);
    tape_free(t);
    return 0;
}

/* tape:watch(x), x a tensor or a list of them. */
static int tape_watch_value(lua_State *L) {
    struct tape *t = bind_unbox(L, 1, BIND_TAPE);
    struct err e = {0};
    if (!lua_istable(L, 2)) {
        bind_check(L, tape_watch(t, bind_tensor(L, 2), &e), &e);
        return 0;
    }
    for (lua_Integer i = 1; i <= luaL_len(L, 2); i++) {
        lua_geti(L, 2, i);
        bind_check(L, tape_watch(t, bind_tensor(L, -1), &e), &e);
        lua_pop(L, 1);
    }
    return 0;
}

/* ---- gradients ----------------------------------------------------------------------------------------------------- */

enum { MAX_DEPTH = 16 };

/* Appends the tensors of the value on the stack's top, depth first, to the list at `list`; returns how many there are. */
static int flatten(lua_State *L, int list, int n, int depth) {
    if (!lua_istable(L, -1)) {
        bind_tensor(L, -1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, list, n + 1);
        return n + 1;
    }
    luaL_checkstack(L, 8, "gradient");
    if (depth == MAX_DEPTH) bind_raise(L, ERR_VALUE, "gradient: sources are nested too deeply");
    for (lua_Integer i = 1, size = luaL_len(L, -1); i <= size; i++) {
        lua_geti(L, -1, i);
        n = flatten(L, list, n, depth + 1);
        lua_pop(L, 1);
    }
    return n;
}

/* Pushes the results in the form of the sources on the stack's top; `at` counts what was taken of the list. */
static void unflatten(lua_State *L, int results, int *at) {
    if (!lua_istable(L, -1)) {
        lua_rawgeti(L, results, ++*at);
        return;
    }
    lua_Integer size = luaL_len(L, -1);
    lua_createtable(L, (int)size, 0);
    for (lua_Integer i = 1; i <= size; i++) {
        lua_geti(L, -2, i);
        unflatten(L, results, at);
        lua_rawseti(L, -3, i);
        lua_pop(L, 1);
    }
}

/* Pushes a list of n empty boxes. */
static void push_boxes(lua_State *L, int n) {
    lua_createtable(L, n, 0);
    for (int i = 1; i <= n; i++) {
        bind_new_tensor(L);
        lua_rawseti(L, -2, i);
    }
}

/* The gradients into the boxes of the list on the stack's top; a source that target does not depend on loses its box. */
static void fill_boxes(lua_State *L, struct tensor *const *gradient, int n) {
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, -1, i + 1);
        *(struct tensor **)lua_touserdata(L, -1) = gradient[i];
        lua_pop(L, 1);
        if (gradient[i]) continue;
        lua_pushnil(L);
        lua_rawseti(L, -2, i + 1);
    }
}

/* Takes the references out of the emitter. */
static enum status compute(struct run *r, struct tape *t, struct tensor *target, struct tensor *seed,
                           struct tensor **source, int n, struct tensor **gradient, struct err *e) {
    struct op_emitter m = run_emitter(r, e);
    enum status s = tape_gradient(t, &m, target, seed, source, n, gradient, e);
    for (int i = 0; i < n; i++) gradient[i] = s == OK && gradient[i] ? tensor_retain(gradient[i]) : NULL;
    op_emitter_close(&m);
    return s;
}

/* tape:gradient(target, sources[, output_gradients]): like sources, a tensor or a list; nil where there is none. */
static int tape_gradient_of(lua_State *L) {
    static const char *const names[] = {"target", "sources", "output_gradients", NULL};
    struct tape *t = bind_unbox(L, 1, BIND_TAPE);
    struct run *r = bind_run(L);
    struct err e = {0};
    bind_args(L, 2, "gradient", names);
    bind_want(L, 2, "gradient", "target");
    bind_want(L, 3, "gradient", "sources");
    if (!((struct tape_box *)lua_touserdata(L, 1))->persistent) stop_recording(r, t);
    struct tensor *target = bind_tensor(L, 2), *seed = lua_isnil(L, 4) ? NULL : bind_tensor_as(L, 4, target->dtype);
    lua_newtable(L);
    lua_pushvalue(L, 3);
    int n = flatten(L, 5, 0, 0);
    struct tensor **source = lua_newuserdatauv(L, 2 * sizeof *source * (size_t)(n + 1), 0);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, 5, i + 1);
        source[i] = bind_tensor(L, -1);
        lua_pop(L, 1); /* the list holds it */
    }
    push_boxes(L, n);
    bind_check(L, compute(r, t, target, seed, source, n, source + n, &e), &e);
    fill_boxes(L, source + n, n);
    int results = lua_gettop(L), at = 0;
    lua_pushvalue(L, 3);
    unflatten(L, results, &at);
    return 1;
}

void bind_open_tape(lua_State *L, int core) {
    static const luaL_Reg events[] = {{"__close", tape_close}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"watch", tape_watch_value},
                                       {"gradient", tape_gradient_of},
                                       {"stop_recording", tape_close},
                                       {"close", tape_close},
                                       {NULL, NULL}};
    static const char *const types[] = {BIND_TAPE, NULL};
    bind_new_type(L, BIND_TAPE, events, release);
    luaL_newlib(L, methods);
    bind_methods(L, "tape", types);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, tape_create);
    lua_setfield(L, core, "GradientTape");
}
