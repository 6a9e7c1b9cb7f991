/* Tracing a Lua function into a program, and calling it. Invariant: no trace stays open after an error. */
#include "bind/internal.h"

enum { MAX_VALUES = 64 };

/* ---- tracing ------------------------------------------------------------------------------------------------------- */

/* Replaces the example on the stack's top by a symbolic input like it. */
static void push_input(lua_State *L) {
    struct tensor *like = bind_tensor(L, -1), *in;
    struct err e = {0};
    bind_check(L, trace_input(bind_run(L), like->dtype, &like->shape, &in, &e), &e);
    bind_push_shared(L, in);
    lua_remove(L, -2);
}

/* Protected, since f may raise: f, examples -> program. */
static int traced(lua_State *L) {
    struct tensor *out[MAX_VALUES];
    struct err e = {0};
    int n = (int)luaL_len(L, 2);
    luaL_checkstack(L, n + 8, "trace");
    lua_pushvalue(L, 1);
    for (int i = 1; i <= n; i++) {
        lua_geti(L, 2, i);
        push_input(L);
    }
    lua_call(L, n, LUA_MULTRET);
    int outputs = lua_gettop(L) - 2;
    if (outputs > MAX_VALUES)
        return bind_raise(L, ERR_VALUE, "a compiled function returns at most %d values", MAX_VALUES);
    for (int i = 0; i < outputs; i++) out[i] = bind_tensor(L, 3 + i);
    struct program **box = (struct program **)bind_box(L, BIND_PROGRAM);
    bind_made(L, box, trace_end(bind_run(L), out, outputs, box, &e), &e);
    return 1;
}

/* trace(f, examples): the program that f is for inputs of the examples' dtypes and shapes. What f assigns to Variables
 * the program assigns at its end. */
static int program_trace(lua_State *L) {
    struct err e = {0};
    luaL_checkany(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    bind_check(L, trace_begin(bind_run(L), &e), &e);
    lua_pushcfunction(L, traced);
    lua_insert(L, 1);
    if (lua_pcall(L, 2, 1, 0) == LUA_OK) return 1;
    trace_abort(bind_run(L));
    return lua_error(L);
}

/* Protected: f, shape -> the shape of f's result for a float32 input. */
static int traced_shape(lua_State *L) {
    struct shape s;
    struct tensor *in;
    struct err e = {0};
    bind_shape(L, 2, &s);
    bind_check(L, trace_input(bind_run(L), DT_FLOAT32, &s, &in, &e), &e);
    lua_settop(L, 1);
    bind_push_shared(L, in);
    lua_call(L, 1, 1);
    bind_push_shape(L, &bind_tensor(L, 1)->shape);
    return 1;
}

/* output_shape(f, shape): found out without computing anything. */
static int program_output_shape(lua_State *L) {
    struct err e = {0};
    lua_settop(L, 2);
    bind_check(L, trace_begin(bind_run(L), &e), &e);
    lua_pushcfunction(L, traced_shape);
    lua_insert(L, 1);
    int status = lua_pcall(L, 2, 1, 0);
    trace_abort(bind_run(L));
    return status == LUA_OK ? 1 : lua_error(L);
}

/* Whether a function is being traced now. */
static int program_tracing(lua_State *L) {
    return lua_pushboolean(L, bind_run(L)->trace != NULL), 1;
}

/* ---- programs ------------------------------------------------------------------------------------------------------ */

static struct program *self(lua_State *L) {
    return bind_unbox(L, 1, BIND_PROGRAM);
}

/* program(x, ...): its outputs. */
static int program_run(lua_State *L) {
    struct program *p = self(L);
    struct tensor *in[MAX_VALUES], *out[MAX_VALUES] = {0};
    struct tensor **box[MAX_VALUES];
    struct err e = {0};
    int nin = lua_gettop(L) - 1, nout = program_outputs(p);
    if (nin > MAX_VALUES) return bind_raise(L, ERR_VALUE, "a program takes at most %d inputs", MAX_VALUES);
    luaL_checkstack(L, nout + 8, "program");
    for (int i = 0; i < nin; i++) in[i] = bind_tensor(L, i + 2);
    for (int i = 0; i < nout; i++) box[i] = bind_new_tensor(L);
    bind_check(L, program_call(bind_run(L), p, in, nin, out, &e), &e);
    for (int i = 0; i < nout; i++) *box[i] = out[i];
    for (int i = 0; i < nout; i++) bind_filled(L, out[i]);
    return nout;
}

/* The graph after the passes, a node a line. */
static int program_tostring(lua_State *L) {
    struct program *p = self(L);
    struct buf *text = bind_new_buf(L);
    graph_print(program_graph(p), text);
    return bind_push_buf(L, text);
}

/* program:memory(): bytes of the planned arena, and the least that any plan needs. */
static int program_memory(lua_State *L) {
    struct program *p = self(L);
    lua_pushinteger(L, (lua_Integer)program_arena(p));
    lua_pushinteger(L, (lua_Integer)program_bound(p));
    return 2;
}

static int release(lua_State *L) {
    program_release(bind_take(L, BIND_PROGRAM));
    return 0;
}

void bind_open_program(lua_State *L, int core) {
    static const luaL_Reg events[] = {{"__call", program_run}, {"__tostring", program_tostring}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"memory", program_memory}, {NULL, NULL}};
    bind_new_type(L, BIND_PROGRAM, events, release);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, program_trace);
    lua_setfield(L, core, "trace");
    lua_pushcfunction(L, program_tracing);
    lua_setfield(L, core, "is_tracing");
    lua_pushcfunction(L, program_output_shape);
    lua_setfield(L, core, "output_shape");
}
