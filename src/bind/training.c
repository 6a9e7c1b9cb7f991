/* What lua/keras needs beside the objects: names, the sample order, the training flag. */
#include <sys/random.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "bind/internal.h"

/* unique_name("sequential"): "sequential", "sequential_1", ... */
static int core_unique_name(lua_State *L) {
    struct err e = {0};
    char *name;
    struct buf *text = bind_new_buf(L);
    bind_check(L, run_unique_name(bind_run(L), luaL_checkstring(L, 1), &name, &e), &e);
    buf_puts(text, name);
    mem_free(name);
    return bind_push_buf(L, text);
}

static int core_reset_names(lua_State *L) {
    run_reset_names(bind_run(L));
    return 0;
}

/* set_training(flag): what layers take where `training` is not given; returns what it was. */
static int core_set_training(lua_State *L) {
    struct bind_state *s = bind_state(L);
    bool before = s->training;
    s->training = lua_toboolean(L, 1);
    return lua_pushboolean(L, before), 1;
}

/* is_training(): what it is now. */
static int core_is_training(lua_State *L) {
    return lua_pushboolean(L, bind_state(L)->training), 1;
}

/* kind_of(value): "tensor", "Variable", "layers", "losses", ...; nil of anything else. */
static int core_kind_of(lua_State *L) {
    if (luaL_testudata(L, 1, BIND_TENSOR))
        lua_pushliteral(L, "tensor");
    else if (luaL_testudata(L, 1, BIND_VARIABLE))
        lua_pushliteral(L, "Variable");
    else if (luaL_testudata(L, 1, BIND_OBJECT))
        lua_getfield(L, 1, "kind");
    else
        lua_pushnil(L);
    return 1;
}

/* shape{-1, 28, 28}: a list that prints as (None, 28, 28). */
static int core_shape(lua_State *L) {
    struct shape s;
    bind_partial_shape(L, 1, &s);
    bind_push_shape(L, &s);
    return 1;
}

/* The stream that fit's order is drawn from: Keras's after set_random_seed, the same in every epoch; else a new one. */
static struct rng_philox order_stream(const struct run *r) {
    uint32_t entropy[2] = {0};
    if (r->seeded) return rng_stateful(r->seed, 0);
    if (getrandom(entropy, sizeof entropy, GRND_NONBLOCK) < 0) entropy[0] = (uint32_t)r->program_calls;
    return rng_stateful(entropy[0] >> 1, 1 + (entropy[1] >> 2));
}

/* Each batch permuted within itself; a batch takes whole blocks of the stream. */
static void batches(struct rng_philox p, int64_t n, int64_t batch, int64_t *out) {
    for (int64_t from = 0; from < n; from += batch) {
        int64_t length = n - from < batch ? n - from : batch;
        rng_permutation(&p, length, out + from);
        for (int64_t i = 0; i < length; i++) out[from + i] += from;
        uint64_t block = ((uint64_t)p.counter[1] << 32 | p.counter[0]) + (uint64_t)(length + 2) / 4;
        p.counter[0] = (uint32_t)block;
        p.counter[1] = (uint32_t)(block >> 32);
    }
}

/* sample_order(n[, batch]): the 0-based order of an epoch, int64; with `batch`, samples stay within their batch. */
static int core_sample_order(lua_State *L) {
    int64_t n = bind_integer(L, 1, "n"), batch = lua_isnoneornil(L, 2) ? n : bind_integer(L, 2, "batch");
    struct rng_philox p = order_stream(bind_run(L));
    struct shape s = SHAPE(n);
    struct err e = {0};
    int64_t *order = lua_newuserdatauv(L, (size_t)n * sizeof *order, 0);
    batches(p, n, batch > 0 ? batch : 1, order);
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, tensor_from(bind_run(L)->device, DT_INT64, &s, order, out, &e), &e);
    return 1;
}

/* The strings of the list at `index`, NULL-terminated, in a userdata that is pushed; the list keeps them. */
static const char **push_names(lua_State *L, int index) {
    luaL_checktype(L, index, LUA_TTABLE);
    int n = (int)lua_rawlen(L, index);
    const char **names = lua_newuserdatauv(L, sizeof *names * (size_t)(n + 1), 0);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, index, i + 1);
        names[i] = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
        lua_pop(L, 1);
    }
    names[n] = NULL;
    return names;
}

/* args("compile", {"optimizer", "loss"}, ...): the values of the arguments in the order of the names, nil where absent.
 * An empty table alone holds no keywords; with {"x", "y", list = true} it is a value, the first. */
static int core_args(lua_State *L) {
    const char *function = luaL_checkstring(L, 1);
    const char **names = push_names(L, 2);
    lua_insert(L, 3);
    bool list = lua_getfield(L, 2, "list") != LUA_TNIL;
    lua_pop(L, 1);
    if (!list) bind_drop_empty(L, 4);
    bind_args(L, 4, function, names);
    return lua_gettop(L) - 3;
}

/* nearest(word, names): the name that was probably meant, or nil. */
static int core_nearest(lua_State *L) {
    const char *word = luaL_checkstring(L, 1);
    lua_pushstring(L, nearest(word, push_names(L, 2)));
    return 1;
}

/* is_symbolic(x): whether it is a KerasTensor, or a list with one. */
static int core_is_symbolic(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, bind_push_symbolic_call(L, 1));
    return 1;
}

void bind_open_training(lua_State *L, int core) {
    static const luaL_Reg functions[] = {{"unique_name", core_unique_name},
                                         {"reset_names", core_reset_names},
                                         {"set_training", core_set_training},
                                         {"is_training", core_is_training},
                                         {"kind_of", core_kind_of},
                                         {"shape", core_shape},
                                         {"nearest", core_nearest},
                                         {"args", core_args},
                                         {"is_symbolic", core_is_symbolic},
                                         {"set_layer_ends", bind_set_layer_ends},
                                         {"sample_order", core_sample_order},
                                         {"set_random_seed", bind_set_random_seed},
                                         {NULL, NULL}};
    lua_pushvalue(L, core);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
