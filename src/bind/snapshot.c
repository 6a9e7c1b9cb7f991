/* What the core holds of a session at one moment: the runtime, the objects that Lua reaches, and the generators of random
 * numbers. Lua's own values are the session's to keep. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bind/internal.h"

enum { LUA_RANDOM_MAX = 64 }; /* bytes of math.random's state: 32 in Lua 5.4 */

struct bind_snapshot {
    struct run_snapshot *runtime;
    struct nn_snapshot **object;
    size_t nobject;
    struct storage **storage; /* that Lua's tensors showed; retained, in order of address */
    size_t nstorage;
    int64_t random[2];
    bool random_ready;
    unsigned char lua_random[LUA_RANDOM_MAX];
};

/* math.random's state is its upvalue; NULL where there is none of the size we know. */
static void *lua_random(lua_State *L, size_t *n) {
    const int top = lua_gettop(L);
    void *state = NULL;
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "math") == LUA_TTABLE && lua_getfield(L, -1, "random") == LUA_TFUNCTION &&
        lua_getupvalue(L, -1, 1)) {
        *n = lua_rawlen(L, -1);
        state = *n <= LUA_RANDOM_MAX ? lua_touserdata(L, -1) : NULL;
    }
    lua_settop(L, top);
    return state;
}

enum status bind_snapshot_new(lua_State *L, size_t budget, struct bind_snapshot **out, struct err *e) {
    const struct bind_state *b = bind_state(L);
    size_t n;
    struct bind_snapshot *s = mem_zalloc(sizeof *s, e);
    if (!s) return e->status;
    nn_ready_seed(b->run); /* so that what is drawn after going back is what was drawn before */
    if (run_snapshot_new(b->run, budget, &s->runtime, e)) {
        mem_free(s);
        return e->status;
    }
    memcpy(s->random, b->random, sizeof s->random);
    s->random_ready = b->random_ready;
    const void *state = lua_random(L, &n);
    if (state) memcpy(s->lua_random, state, n);
    *out = s;
    return OK;
}

/* ---- what Lua reaches ---------------------------------------------------------------------------------------------- */

static enum status grow(void *array, size_t n, size_t item, struct err *e) {
    void *p;
    if (n & (n - 1)) return OK; /* grows when n is 0 or a power of two */
    memcpy(&p, array, sizeof p);
    p = mem_realloc(p, (n ? 2 * n : 1) * item, e);
    if (p) memcpy(array, &p, sizeof p);
    return e->status;
}

enum status bind_snapshot_add(struct bind_snapshot *s, lua_State *L, int index, struct err *e) {
    struct nn_object *o = bind_test(L, index, BIND_OBJECT);
    const struct tensor *t = o ? NULL : bind_test(L, index, BIND_TENSOR);
    if (o && !grow(&s->object, s->nobject, sizeof *s->object, e) && !nn_snapshot_new(o, &s->object[s->nobject], e))
        s->nobject++;
    if (t && t->storage && !grow(&s->storage, s->nstorage, sizeof *s->storage, e))
        s->storage[s->nstorage++] = storage_retain(t->storage);
    return e->status;
}

static int by_address(const void *a, const void *b) {
    const uintptr_t x = (uintptr_t) * (struct storage *const *)a, y = (uintptr_t) * (struct storage *const *)b;
    return x < y ? -1 : x > y;
}

void bind_snapshot_end(struct bind_snapshot *s) {
    size_t kept = 0;
    if (s->nstorage > 0) qsort(s->storage, s->nstorage, sizeof *s->storage, by_address);
    for (size_t i = 0; i < s->nstorage; i++) {
        if (kept > 0 && s->storage[kept - 1] == s->storage[i])
            storage_release(s->storage[i]);
        else
            s->storage[kept++] = s->storage[i];
    }
    s->nstorage = kept;
}

bool bind_snapshot_same(const struct bind_snapshot *s, const struct bind_snapshot *next) {
    return run_snapshot_same(s->runtime, next->runtime) && memcmp(s->random, next->random, sizeof s->random) == 0 &&
           s->random_ready == next->random_ready && memcmp(s->lua_random, next->lua_random, LUA_RANDOM_MAX) == 0;
}

/* A metric's count is what evaluate leaves behind, no change of a model. */
static bool object_changed(const struct bind_snapshot *s, const struct nn_object *o) {
    if (o->class->kind == NN_METRIC) return false;
    for (int i = 0; i < o->nvariable; i++)
        if (run_snapshot_assigned(s->runtime, o->variable[i])) return true;
    return false;
}

bool bind_snapshot_changed(const struct bind_snapshot *s, lua_State *L, int index) {
    const struct tensor *t = bind_test(L, index, BIND_TENSOR);
    const struct variable *v = bind_test(L, index, BIND_VARIABLE);
    const struct nn_object *o = bind_test(L, index, BIND_OBJECT);
    if (t) return t->storage && run_snapshot_written(s->runtime, t->storage);
    return (v && run_snapshot_assigned(s->runtime, v)) || (o && object_changed(s, o));
}

size_t bind_snapshot_bytes(const struct bind_snapshot *s, const struct bind_snapshot *next) {
    size_t bytes = run_snapshot_bytes(s->runtime);
    for (size_t i = 0; i < s->nstorage; i++)
        if (!bsearch(&s->storage[i], next->storage, next->nstorage, sizeof *s->storage, by_address))
            bytes += s->storage[i]->bytes;
    return bytes;
}

/* ---- going back ---------------------------------------------------------------------------------------------------- */

enum status bind_snapshot_restore(struct bind_snapshot *s, lua_State *L, struct err *e) {
    struct bind_state *b = bind_state(L);
    size_t n;
    if (run_snapshot_restore(s->runtime, e)) return e->status;
    for (size_t i = 0; i < s->nobject; i++)
        if (nn_snapshot_restore(s->object[i], e)) return e->status;
    memcpy(b->random, s->random, sizeof b->random);
    b->random_ready = s->random_ready;
    void *state = lua_random(L, &n);
    if (state) memcpy(state, s->lua_random, n);
    return OK;
}

void bind_snapshot_free(struct bind_snapshot *s) {
    if (!s) return;
    for (size_t i = 0; i < s->nobject; i++) nn_snapshot_free(s->object[i]);
    for (size_t i = 0; i < s->nstorage; i++) storage_release(s->storage[i]);
    run_snapshot_free(s->runtime);
    mem_free(s->object);
    mem_free(s->storage);
    mem_free(s);
}
