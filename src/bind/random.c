/* tensor.random: Keras's random module. Without a seed each call draws from the global generator, which set_random_seed
 * makes repeatable; numbers are drawn on the host, since normals depend on the C library. */
#include "base/mem.h"
#include "bind/internal.h"
#include "nn/nn.h"

/* Keras's SeedGenerator: the state (a, t) is a call's seed pair and then becomes ((a+1) * 5387 mod 933199, likewise t). */
static const char state_key;

struct generator {
    int64_t a, t;
};

static struct generator *generator_of(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
    struct generator *g = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return g;
}

/* The stream of a call: seed given at stack slot `index`, or the next state of the global generator. */
static struct rng_philox stream_of(lua_State *L, int index) {
    struct generator *g = generator_of(L);
    if (!lua_isnoneornil(L, index)) return rng_stateless(luaL_checkinteger(L, index), 0);
    if (g->a < 0) *g = (struct generator){(int64_t)nn_draw_seed(bind_run(L)), 0};
    struct rng_philox p = rng_stateless(g->a, g->t);
    g->a = (g->a + 1) * 5387 % 933199;
    g->t = (g->t + 1) * 5387 % 933199;
    return p;
}

/* Host memory for a tensor of that shape, pushed; pads to whole groups of four. */
static void *push_room(lua_State *L, const struct shape *s, enum dtype d) {
    struct err e = {0};
    size_t bytes;
    bind_check(L, shape_bytes(s, d, &bytes, &e), &e);
    return lua_newuserdatauv(L, bytes + 64, 0);
}

static int push_drawn(lua_State *L, const struct shape *s, enum dtype drawn, const void *host, enum dtype wanted) {
    struct err e = {0};
    struct tensor *t;
    bind_check(L, tensor_from(bind_run(L)->device, drawn, s, host, &t, &e), &e);
    bind_push_tensor(L, t);
    bind_cast(L, t, wanted);
    return 1;
}

static int random_uniform(lua_State *L) {
    static const char *const names[] = {"shape", "minval", "maxval", "dtype", "seed", NULL};
    struct shape s;
    bind_args(L, 1, "random.uniform", names);
    bind_shape(L, 1, &s);
    double low = luaL_optnumber(L, 2, 0), high = luaL_optnumber(L, 3, 1);
    struct rng_philox p = stream_of(L, 5);
    float *host = push_room(L, &s, DT_FLOAT32);
    rng_uniform(&p, shape_size(&s), low, high, host);
    return push_drawn(L, &s, DT_FLOAT32, host, bind_dtype(L, 4, DT_FLOAT32));
}

static int draw_normal(lua_State *L, const char *name,
                       void (*draw)(const struct rng_philox *, int64_t, double, double, float *)) {
    static const char *const names[] = {"shape", "mean", "stddev", "dtype", "seed", NULL};
    struct shape s;
    bind_args(L, 1, name, names);
    bind_shape(L, 1, &s);
    double mean = luaL_optnumber(L, 2, 0), deviation = luaL_optnumber(L, 3, 1);
    struct rng_philox p = stream_of(L, 5);
    float *host = push_room(L, &s, DT_FLOAT32);
    draw(&p, shape_size(&s), mean, deviation, host);
    return push_drawn(L, &s, DT_FLOAT32, host, bind_dtype(L, 4, DT_FLOAT32));
}

static int random_normal(lua_State *L) {
    return draw_normal(L, "random.normal", rng_normal);
}
static int random_truncated(lua_State *L) {
    return draw_normal(L, "random.truncated_normal", rng_truncated_normal);
}

/* random.integers(low, high, shape): low <= x < high; int64 unless a dtype is given. */
static int random_integers(lua_State *L) {
    static const char *const names[] = {"low", "high", "shape", "dtype", "seed", NULL};
    struct shape s = {0};
    bind_args(L, 1, "random.integers", names);
    int64_t low = luaL_checkinteger(L, 1), high = luaL_checkinteger(L, 2);
    if (!lua_isnil(L, 3)) bind_shape(L, 3, &s);
    if (high <= low) return luaL_error(L, "ValueError: random.integers: low >= high");
    struct rng_philox p = stream_of(L, 5);
    int64_t *host = push_room(L, &s, DT_INT64);
    rng_integers64(&p, shape_size(&s), low, high, host);
    return push_drawn(L, &s, DT_INT64, host, bind_dtype(L, 4, DT_INT64));
}

/* random.permutation(n): 0 .. n-1 shuffled; of a tensor: its rows. */
static int random_permutation(lua_State *L) {
    static const char *const names[] = {"x", "seed", NULL};
    bind_args(L, 1, "random.permutation", names);
    struct tensor *x = lua_isinteger(L, 1) ? NULL : bind_tensor(L, 1);
    if (x && x->shape.rank == 0) return luaL_error(L, "ValueError: random.permutation: a number or a tensor with rows");
    int64_t n = x ? x->shape.dim[0] : lua_tointeger(L, 1);
    if (n < 0) return luaL_error(L, "ValueError: random.permutation: negative length");
    struct shape s = SHAPE(n);
    struct rng_philox p = stream_of(L, 2);
    int64_t *host = push_room(L, &s, DT_INT64);
    rng_permutation(&p, n, host);
    push_drawn(L, &s, DT_INT64, host, DT_INT64);
    if (!x) return 1;
    struct err e = {0};
    struct op_emitter emit = run_emitter(bind_run(L), &e);
    struct tensor *rows = emit_gather(&emit, x, bind_test(L, -1, BIND_TENSOR));
    if (rows) tensor_retain(rows);
    op_emitter_close(&emit);
    bind_check(L, e.status, &e);
    bind_push_tensor(L, rows);
    return 1;
}

/* celda.sample_order(n): fit's order of samples, int64, 0-based. After set_random_seed(S) Keras's, the same in every
 * epoch; else another each time. */
static int sample_order(lua_State *L) {
    struct run *r = bind_run(L);
    int64_t n = luaL_checkinteger(L, 1);
    struct shape s = SHAPE(n);
    struct rng_philox p = r->seeded ? rng_stateful(r->seed, 0) : rng_stateful((int64_t)nn_draw_seed(r), 1);
    int64_t *host = push_room(L, &s, DT_INT64);
    rng_permutation(&p, n, host);
    return push_drawn(L, &s, DT_INT64, host, DT_INT64);
}

/* celda.set_random_seed(S): all of celda's randomness starts from S, as keras.utils.set_random_seed. */
static int set_random_seed(lua_State *L) {
    lua_Integer seed = luaL_checkinteger(L, 1);
    if (seed < 0 || seed > UINT32_MAX) return luaL_error(L, "ValueError: the seed must be between 0 and 2^32 - 1");
    nn_set_random_seed(bind_run(L), (uint32_t)seed);
    generator_of(L)->a = -1;
    return 0;
}

void bind_open_random(lua_State *L) {
    static const luaL_Reg functions[] = {{"uniform", random_uniform},
                                         {"normal", random_normal},
                                         {"truncated_normal", random_truncated},
                                         {"integers", random_integers},
                                         {"permutation", random_permutation},
                                         {"set_seed", set_random_seed},
                                         {NULL, NULL}};
    struct generator *g = lua_newuserdatauv(L, sizeof *g, 0);
    *g = (struct generator){-1, 0};
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
    lua_getglobal(L, "tensor");
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "random");
    lua_getglobal(L, "celda");
    lua_pushcfunction(L, sample_order);
    lua_setfield(L, -2, "sample_order");
    lua_pushcfunction(L, set_random_seed);
    lua_setfield(L, -2, "set_random_seed");
    lua_pop(L, 2);
}
