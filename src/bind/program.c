/* celda.trace(f, {examples}): runs f once on symbolic tensors like the examples and gives the compiled program. Whatever f
 * assigns to Variables becomes an update at the program's end. */
#include "bind/internal.h"

enum { MAX_ARGUMENTS = 64 };

static struct program *check_program(lua_State *L, int index) {
    return bind_unbox(L, index, BIND_PROGRAM);
}

/* A symbolic input like the example (a tensor, or {dtype =, shape =}) at the stack's top, which it replaces. */
static void push_input(lua_State *L) {
    struct tensor *like = bind_test(L, -1, BIND_TENSOR), *in;
    struct shape s;
    struct err e = {0};
    enum dtype d = DT_FLOAT32;
    if (like) {
        d = like->dtype;
        s = like->shape;
    } else {
        luaL_checktype(L, -1, LUA_TTABLE);
        lua_getfield(L, -1, "dtype");
        d = bind_dtype(L, -1, DT_FLOAT32);
        lua_getfield(L, -2, "shape");
        bind_shape(L, lua_gettop(L), &s);
        lua_pop(L, 2);
    }
    bind_check(L, trace_input(bind_run(L), d, &s, &in, &e), &e);
    bind_push_tensor(L, tensor_retain(in));
    lua_remove(L, -2);
}

/* Protected: f and its arguments' making may raise while a trace is open. Upvalues: none; arguments: f, examples. */
static int run_traced(lua_State *L) {
    int n = (int)luaL_len(L, 2);
    luaL_argcheck(L, n <= MAX_ARGUMENTS, 2, "too many inputs");
    lua_pushvalue(L, 1);
    for (int i = 1; i <= n; i++) {
        lua_geti(L, 2, i);
        push_input(L);
    }
    lua_call(L, n, LUA_MULTRET);
    return lua_gettop(L) - 2;
}

/* The outputs above `base` as tensors. */
static int collect_outputs(lua_State *L, int base, struct tensor **out) {
    int n = lua_gettop(L) - base;
    if (n > MAX_ARGUMENTS) luaL_error(L, "ValueError: at most %d outputs", MAX_ARGUMENTS);
    for (int i = 0; i < n; i++) out[i] = bind_tensor(L, base + 1 + i);
    return n;
}

static int trace_failed(lua_State *L) {
    trace_abort(bind_run(L));
    return lua_error(L);
}

static int end_trace(lua_State *L) {
    struct tensor *out[MAX_ARGUMENTS];
    struct err e = {0};
    struct program *p;
    int n = collect_outputs(L, 0, out);
    void **box = bind_box(L, BIND_PROGRAM);
    bind_check(L, trace_end(bind_run(L), out, n, &p, &e), &e);
    *box = p;
    return 1;
}

static int celda_trace(lua_State *L) {
    struct err e = {0};
    luaL_checktype(L, 1, LUA_TFUNCTION);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    bind_check(L, trace_begin(bind_run(L), &e), &e);
    lua_pushcfunction(L, run_traced);
    lua_insert(L, 1);
    if (lua_pcall(L, 2, LUA_MULTRET, 0) != LUA_OK) return trace_failed(L);
    lua_pushcfunction(L, end_trace);
    lua_insert(L, 1);
    if (lua_pcall(L, lua_gettop(L) - 1, 1, 0) != LUA_OK) return trace_failed(L);
    return 1;
}

/* program(x, ...): its outputs. */
static int program_run(lua_State *L) {
    struct program *p = check_program(L, 1);
    struct tensor *in[MAX_ARGUMENTS], *out[MAX_ARGUMENTS];
    struct err e = {0};
    int nin = lua_gettop(L) - 1, nout = program_outputs(p);
    luaL_argcheck(L, nin <= MAX_ARGUMENTS, 2, "too many inputs");
    for (int i = 0; i < nin; i++) in[i] = bind_tensor(L, i + 2);
    luaL_checkstack(L, nout + 4, NULL);
    bind_check(L, program_call(bind_run(L), p, in, nin, out, &e), &e);
    for (int i = 0; i < nout; i++) bind_push_tensor(L, out[i]);
    return nout;
}

static int program_tostring(lua_State *L) {
    struct program *p = check_program(L, 1);
    struct buf text = {0};
    graph_print(program_graph(p), &text);
    lua_pushlstring(L, buf_text(&text), text.len);
    buf_free(&text);
    return 1;
}

/* program:memory(): bytes of the planned arena, and of the liveness bound. */
static int program_memory(lua_State *L) {
    struct program *p = check_program(L, 1);
    lua_pushinteger(L, (lua_Integer)program_arena(p));
    lua_pushinteger(L, (lua_Integer)program_bound(p));
    return 2;
}

static int program_gc(lua_State *L) {
    void **box = luaL_checkudata(L, 1, BIND_PROGRAM);
    program_release(*box);
    *box = NULL;
    return 0;
}

void bind_open_program(lua_State *L) {
    static const luaL_Reg events[] = {
        {"__call", program_run}, {"__tostring", program_tostring}, {"__gc", program_gc}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"memory", program_memory}, {NULL, NULL}};
    luaL_newmetatable(L, BIND_PROGRAM);
    luaL_setfuncs(L, events, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_getglobal(L, "celda");
    lua_pushcfunction(L, celda_trace);
    lua_setfield(L, -2, "trace");
    lua_pop(L, 2);
}
