/* Completion of names. Invariant: no code of the user's runs; only raw tables, and __index tables behind them, are read. */
#include <lauxlib.h>
#include <string.h>

#include "cell/name.h"
#include "session/internal.h"

static void offer(const struct completion *c, const char *word) {
    const struct session_candidate candidate = {.start = c->start, .word = word, .note = ""};
    if (c->public && *word == '_') return;
    if (strncmp(word, c->word, c->n) == 0) c->add(c->arg, &candidate);
}

/* The string keys of the table on the stack's top. */
static void offer_keys(lua_State *L, const struct completion *c) {
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        bool fits = lua_type(L, -2) == LUA_TSTRING && (!c->calls || lua_isfunction(L, -1));
        if (fits) offer(c, lua_tostring(L, -2));
        lua_pop(L, 1);
    }
}

/* A stub of an embedded module on the top becomes the module, which is celda's code and not the user's. */
static void settle_stub(lua_State *L) {
    if (!luaL_getmetafield(L, -1, "__module")) return;
    lua_insert(L, -2);
    if (lua_iscfunction(L, -2))
        lua_call(L, 1, 1);
    else
        lua_remove(L, -2);
}

/* Pushes the table with more members of the value on the top: __index, or, where that is a function, __members, which may
 * be a function of celda's that gives the table. */
static bool push_behind(lua_State *L) {
    if (luaL_getmetafield(L, -1, "__members")) {
        if (!lua_iscfunction(L, -1)) return true;
        lua_pushvalue(L, -2);
        lua_call(L, 1, 1);
        return true;
    }
    return luaL_getmetafield(L, -1, "__index") != LUA_TNIL;
}

void session_offer_members(lua_State *L, const struct completion *c) {
    for (int level = 0; level < 10; level++) {
        settle_stub(L);
        if (lua_type(L, -1) == LUA_TTABLE) offer_keys(L, c);
        if (!push_behind(L)) break;
        lua_remove(L, -2);
        if (lua_type(L, -1) != LUA_TTABLE) break;
    }
    lua_pop(L, 1);
}

/* Pushes what a name at the start of a path stands for. */
static void push_root(lua_State *L, const char *name, size_t n) {
    struct session *s = session_of(L);
    lua_pushlstring(L, name, n);
    int i = locals_find(s->locals, lua_tostring(L, -1));
    if (session_push_frame_value(L, lua_tostring(L, -1))) {
        lua_remove(L, -2);
        return;
    }
    if (i >= 0) {
        lua_pop(L, 1);
        locals_get(L, s->locals, i);
        return;
    }
    lua_pushglobaltable(L);
    lua_insert(L, -2);
    lua_rawget(L, -2);
    lua_remove(L, -2);
}

/* Replaces the top by its field, without running metamethods of the user's. */
static void step_into(lua_State *L, const char *name, size_t n) {
    settle_stub(L);
    for (int level = 0; level < 10; level++) {
        if (lua_type(L, -1) == LUA_TTABLE) {
            lua_pushlstring(L, name, n);
            if (lua_rawget(L, -2) != LUA_TNIL) {
                lua_remove(L, -2);
                return;
            }
            lua_pop(L, 1);
        }
        if (!push_behind(L)) break;
        lua_remove(L, -2);
    }
    lua_pop(L, 1);
    lua_pushnil(L);
}

static void offer_frame_name(void *completion, const char *name) {
    if (!locals_is_internal(name)) offer(completion, name);
}

void session_offer_names(lua_State *L, struct completion *c) {
    struct session *s = session_of(L);
    session_each_frame_name(L, offer_frame_name, c);
    for (int i = 0; i < locals_count(s->locals); i++) offer(c, locals_name(s->locals, i));
    lua_pushglobaltable(L);
    offer_keys(L, c);
    lua_pop(L, 1);
}

static void offer_words(const struct completion *c, const char *const *words) {
    for (; *words; words++) offer(c, *words);
}

/* Whether only a value can stand at `start` of the line: behind an operator, a comma, an opening bracket, `return`. */
static bool wants_value(const char *line, size_t start) {
    static const char *const before[] = {"and", "elseif", "if", "in", "not", "or", "return", "until", "while", NULL};
    while (start > 0 && (line[start - 1] == ' ' || line[start - 1] == '\t')) start--;
    size_t from = start;
    while (from > 0 && cell_is_name(line[from - 1])) from--;
    for (const char *const *word = before; *word; word++)
        if (strlen(*word) == start - from && !memcmp(*word, line + from, start - from)) return true;
    return from == start && start > 0 && strchr("=([{,+-*/%^#&|~<>", line[start - 1]);
}

static void offer_keywords(const struct completion *c, bool value) {
    static const char *const values[] = {"false", "function", "nil", "not", "true", NULL};
    static const char *const others[] = {"and", "break", "do", "else",   "elseif", "end",  "for",   "goto",  "if",
                                         "in",  "local", "or", "repeat", "return", "then", "until", "while", NULL};
    offer_words(c, values);
    if (!value) offer_words(c, others);
}

void session_push_path(lua_State *L, const char *path, size_t n) {
    size_t end = 0;
    while (end < n && cell_is_name(path[end])) end++;
    push_root(L, path, end);
    for (size_t at = end + 1; at < n; at = end + 1) {
        for (end = at; end < n && cell_is_name(path[end]);) end++;
        step_into(L, path + at, end - at);
    }
    settle_stub(L);
}

/* The arguments of `complete`, for lua_pcall. */
struct request {
    const char *line;
    size_t cursor;
    struct completion c;
};

static int complete(lua_State *L) {
    struct request *r = lua_touserdata(L, 1);
    size_t start = r->cursor, root;
    while (start > 0 && cell_is_name(r->line[start - 1])) start--;
    root = start;
    const bool concatenated = start >= 2 && r->line[start - 1] == '.' && r->line[start - 2] == '.';
    while (!concatenated && root > 0 &&
           (cell_is_name(r->line[root - 1]) || r->line[root - 1] == '.' || r->line[root - 1] == ':'))
        root--;
    r->c.start = start;
    r->c.word = r->line + start;
    r->c.n = r->cursor - start;
    r->c.public = r->c.n == 0; /* until one is typed */
    if (root == start) {
        if (session_offer_arguments(L, r->line, &r->c)) return 0;
        session_offer_names(L, &r->c);
        offer_keywords(&r->c, wants_value(r->line, start));
        return 0;
    }
    if (!cell_is_name(r->line[root])) return 0; /* the field of a call or of an expression in brackets */
    r->c.calls = r->line[start - 1] == ':';
    session_push_path(L, r->line + root, start - 1 - root);
    session_offer_members(L, &r->c);
    return 0;
}

static int complete_value(lua_State *L) {
    const struct request *r = lua_touserdata(L, 1);
    session_offer_values(L, r->line, &r->c);
    return 0;
}

static void call_protected(struct session *s, lua_CFunction f, struct request *r) {
    int top = lua_gettop(s->L);
    lua_pushcfunction(s->L, f);
    lua_pushlightuserdata(s->L, r);
    lua_pcall(s->L, 1, 0, 0);
    lua_settop(s->L, top);
}

void session_complete(struct session *s, const char *line, size_t cursor,
                      void (*add)(void *arg, const struct session_candidate *c), void *arg) {
    struct request r = {line, cursor, {.add = add, .arg = arg}};
    call_protected(s, complete, &r);
}

void session_complete_value(struct session *s, const char *line, size_t quote,
                            void (*add)(void *arg, const struct session_candidate *c), void *arg) {
    struct request r = {line, quote, {.add = add, .arg = arg, .start = quote, .word = ""}};
    call_protected(s, complete_value, &r);
}
