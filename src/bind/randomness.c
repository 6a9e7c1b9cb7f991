/* The state of all that is random or counted, for lua/celda: Keras's generators, the automatic names, and Lua's own
 * math.random. */
#include <string.h>

#include "bind/internal.h"

enum { WORDS = sizeof((struct rng_mt *)0)->word / sizeof(uint32_t), LUA_WORDS = 4 };

static void set_integer(lua_State *L, const char *key, int64_t n) {
    lua_pushinteger(L, n);
    lua_setfield(L, -2, key);
}

/* The four words of Lua's xoshiro256**, which are the first upvalue of math.random; NULL where they are not. */
static void *lua_generator(lua_State *L) {
    void *words = NULL;
    lua_getglobal(L, "math");
    if (lua_istable(L, -1) && lua_getfield(L, -1, "random") == LUA_TFUNCTION && lua_iscfunction(L, -1) &&
        lua_getupvalue(L, -1, 1) && lua_rawlen(L, -1) == LUA_WORDS * sizeof(uint64_t))
        words = lua_touserdata(L, -1);
    return words;
}

static void set_words(lua_State *L, const char *key, const void *words, int n, size_t size) {
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        uint64_t word = 0;
        memcpy(&word, (const char *)words + (size_t)i * size, size);
        lua_pushinteger(L, (lua_Integer)word);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, key);
}

static void set_names(lua_State *L, const struct run *r) {
    const char *prefix;
    unsigned long given;
    lua_newtable(L);
    for (int i = 0; (prefix = run_name_at(r, i, &given)); i++) set_integer(L, prefix, (int64_t)given);
    lua_setfield(L, -2, "names");
}

/* get_randomness() */
static int get_randomness(lua_State *L) {
    const struct bind_state *s = bind_state(L);
    const struct run *r = s->run;
    lua_settop(L, 0);
    const void *words = lua_generator(L);
    lua_newtable(L);
    if (words) set_words(L, "lua", words, LUA_WORDS, sizeof(uint64_t));
    if (r->seeds_ready) {
        set_words(L, "seeds", r->seeds.word, WORDS, sizeof(uint32_t));
        set_integer(L, "next", r->seeds.next);
    }
    if (r->seeded) set_integer(L, "seed", r->seed);
    if (s->random_ready) set_words(L, "random", s->random, 2, sizeof(int64_t));
    set_names(L, r);
    return 1;
}

/* The list t[key] into words: false where it is not so many integers. */
static bool read_words(lua_State *L, const char *key, void *words, int n, size_t size) {
    bool fine = lua_getfield(L, 1, key) == LUA_TTABLE && (int)lua_rawlen(L, -1) == n;
    for (int i = 0; fine && i < n; i++) {
        fine = lua_rawgeti(L, -1, i + 1) == LUA_TNUMBER;
        uint64_t word = (uint64_t)lua_tointeger(L, -1);
        memcpy((char *)words + (size_t)i * size, &word, size);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return fine;
}

static bool read_integer(lua_State *L, const char *key, int64_t *n) {
    bool is = lua_getfield(L, 1, key) == LUA_TNUMBER;
    *n = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return is;
}

static void read_names(lua_State *L, struct run *r) {
    struct err e = {0};
    run_reset_names(r);
    if (lua_getfield(L, 1, "names") == LUA_TTABLE)
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
            if (lua_type(L, -2) == LUA_TSTRING)
                bind_check(L, run_set_name(r, lua_tostring(L, -2), (unsigned long)lua_tointeger(L, -1), &e), &e);
    lua_pop(L, 1);
}

/* set_randomness(state): as get_randomness gave it. What it does not say is seeded from the system when it is needed. */
static int set_randomness(lua_State *L) {
    struct bind_state *s = bind_state(L);
    struct run *r = s->run;
    int64_t n;
    uint64_t words[LUA_WORDS];
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    read_names(L, r);
    r->seeds_ready = read_words(L, "seeds", r->seeds.word, WORDS, sizeof(uint32_t)) && read_integer(L, "next", &n);
    r->seeds_ready = r->seeds_ready && n >= 0 && n <= WORDS;
    if (r->seeds_ready) r->seeds.next = (int)n;
    r->seeded = read_integer(L, "seed", &n);
    if (r->seeded) r->seed = (uint32_t)n;
    s->random_ready = read_words(L, "random", s->random, 2, sizeof(int64_t));
    if (!read_words(L, "lua", words, LUA_WORDS, sizeof(uint64_t))) return 0;
    void *generator = lua_generator(L);
    if (generator) memcpy(generator, words, sizeof words);
    return 0;
}

void bind_open_randomness(lua_State *L, int core) {
    lua_pushcfunction(L, get_randomness);
    lua_setfield(L, core, "get_randomness");
    lua_pushcfunction(L, set_randomness);
    lua_setfield(L, core, "set_randomness");
}
