/* tensor.random: Keras's random functions. Without a seed each call takes the global generator's state, which set_random_seed
 * starts anew; with one the numbers depend on it alone. */
#include "base/mem.h"
#include "bind/internal.h"

/* keras.random.SeedGenerator.next: the state is this call's seed pair, and moves on. */
static void next_pair(struct bind_state *s, int64_t pair[2]) {
    if (!s->random_ready) {
        s->random[0] = (int64_t)nn_draw_seed(s->run);
        s->random[1] = 0;
        s->random_ready = true;
    }
    for (int i = 0; i < 2; i++) {
        pair[i] = s->random[i];
        s->random[i] = (s->random[i] + 1) * 5387 % 933199;
    }
}

/* The stream of a call; `index` holds its seed or nil. */
static struct rng_philox stream(lua_State *L, const char *function, int index) {
    int64_t pair[2] = {0, 0};
    if (bind_run(L)->trace)
        bind_raise(L, ERR_STATE,
                   "%s draws its numbers once: in a compiled function each call would see the same ones; use a Dropout "
                   "layer, or pass the numbers in",
                   function);
    if (lua_isnoneornil(L, index))
        next_pair(bind_state(L), pair);
    else
        pair[0] = bind_integer(L, index, "seed");
    return rng_stateless(pair[0], pair[1]);
}

/* A userdata with room for the elements of a function's tensor, pushed. */
static void *room(lua_State *L, const char *function, const struct shape *s, enum dtype d) {
    struct err e = {0};
    size_t bytes;
    shape_bytes(s, d, &bytes, &e);
    err_prefix(&e, "%s", function);
    bind_check(L, e.status, &e);
    return lua_newuserdatauv(L, bytes, 0);
}

static int push_drawn(lua_State *L, const struct shape *s, enum dtype d, const void *numbers) {
    struct err e = {0};
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, tensor_from(bind_run(L)->device, d, s, numbers, out, &e), &e);
    bind_filled(L, *out);
    return 1;
}

static double optional(lua_State *L, int index, const char *what, double none) {
    return lua_isnil(L, index) ? none : bind_number(L, index, what);
}

typedef void draw_fn(const struct rng_philox *p, int64_t n, double a, double b, float *out);

/* f(shape, a, b, dtype, seed): drawn as float32. */
static int draw_floats(lua_State *L, const char *function, const char *const *names, draw_fn *draw, double a,
                       double b) {
    struct shape s = {0};
    bind_split_list(L, 1);
    bind_args(L, 1, function, names);
    if (!lua_isnil(L, 1)) bind_shape(L, 1, &s);
    a = optional(L, 2, names[1], a);
    b = optional(L, 3, names[2], b);
    enum dtype d = bind_dtype(L, 4, DT_FLOAT32);
    if (!dtype_is_float(d))
        return bind_raise(L, ERR_VALUE, "%s: dtype must be a float's, not %s", function, dtype_name(d));
    struct rng_philox p = stream(L, function, 5);
    float *numbers = room(L, function, &s, DT_FLOAT32);
    draw(&p, shape_size(&s), a, b, numbers);
    push_drawn(L, &s, DT_FLOAT32, numbers);
    bind_tensor_as(L, -1, d);
    return 1;
}

static int random_uniform(lua_State *L) {
    static const char *const names[] = {"shape", "minval", "maxval", "dtype", "seed", NULL};
    return draw_floats(L, "random.uniform", names, rng_uniform, 0, 1);
}

static int random_normal(lua_State *L) {
    static const char *const names[] = {"shape", "mean", "stddev", "dtype", "seed", NULL};
    return draw_floats(L, "random.normal", names, rng_normal, 0, 1);
}

static int random_truncated_normal(lua_State *L) {
    static const char *const names[] = {"shape", "mean", "stddev", "dtype", "seed", NULL};
    return draw_floats(L, "random.truncated_normal", names, rng_truncated_normal, 0, 1);
}

/* integers(low, high[, shape, dtype = "int32", seed]): high is not among them; integers(high) begins at 0. */
static int random_integers(lua_State *L) {
    static const char *const names[] = {"low", "high", "shape", "dtype", "seed", NULL};
    struct shape s = {0};
    bind_args(L, 1, "random.integers", names);
    bind_want(L, 1, "random.integers", "low");
    int64_t low = bind_integer(L, 1, "low"), high = 0;
    if (lua_isnil(L, 2))
        high = low, low = 0;
    else
        high = bind_integer(L, 2, "high");
    if (!lua_isnil(L, 3)) bind_shape(L, 3, &s);
    enum dtype d = bind_dtype(L, 4, DT_INT32);
    bool wide = d == DT_INT64;
    if (d != DT_INT32 && !wide) return bind_raise(L, ERR_VALUE, "random.integers: dtype must be int32 or int64");
    if (low >= high)
        return bind_raise(L, ERR_VALUE, "random.integers: low %lld is not below high %lld", (long long)low,
                          (long long)high);
    if (!wide && (low < INT32_MIN || high > INT32_MAX))
        return bind_raise(L, ERR_VALUE,
                          "random.integers: the bounds are out of range for int32; take dtype = \"int64\"");
    struct rng_philox p = stream(L, "random.integers", 5);
    void *numbers = room(L, "random.integers", &s, d);
    if (wide)
        rng_integers64(&p, shape_size(&s), low, high, numbers);
    else
        rng_integers32(&p, shape_size(&s), (int32_t)low, (int32_t)high, numbers);
    return push_drawn(L, &s, d, numbers);
}

/* permutation(n[, seed]): 0..n-1 in a random order, int64. */
static int random_permutation(lua_State *L) {
    static const char *const names[] = {"n", "seed", NULL};
    bind_args(L, 1, "random.permutation", names);
    struct shape s = SHAPE(bind_integer(L, 1, "n"));
    if (s.dim[0] < 0) return bind_raise(L, ERR_VALUE, "random.permutation: n is negative");
    struct rng_philox p = stream(L, "random.permutation", 2);
    int64_t *numbers = room(L, "random.permutation", &s, DT_INT64);
    rng_permutation(&p, s.dim[0], numbers);
    return push_drawn(L, &s, DT_INT64, numbers);
}

int bind_set_random_seed(lua_State *L) {
    static const char *const names[] = {"seed", NULL};
    bind_args(L, 1, "set_random_seed", names);
    int64_t seed = bind_integer(L, 1, "seed");
    if (seed < 0 || seed > UINT32_MAX)
        return bind_raise(L, ERR_VALUE, "Seed must be between 0 and 2**32 - 1, not %lld", (long long)seed);
    struct bind_state *s = bind_state(L);
    nn_set_random_seed(s->run, (uint32_t)seed);
    s->random_ready = false;
    return 0;
}

void bind_open_tensor_random(lua_State *L, int functions) {
    static const luaL_Reg table[] = {
        {"uniform", random_uniform},
        {"normal", random_normal},
        {"truncated_normal", random_truncated_normal},
        {"integers", random_integers},
        {"permutation", random_permutation},
        {"set_seed", bind_set_random_seed},
        {0},
    };
    luaL_newlib(L, table);
    bind_strict(L, "tensor.random");
    lua_setfield(L, functions, "random");
}
