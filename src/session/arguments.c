/* The arguments of the call that is being typed, by name. What they are is known to lua/help/arguments.lua. */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "cell/call.h"
#include "session/internal.h"

static bool is_named(const char *line, const struct cell_span *s, const char *name) {
    return strlen(name) == s->end - s->begin && memcmp(line + s->begin, name, s->end - s->begin) == 0;
}

static bool is_given(const char *line, const struct cell_call *call, const char *name) {
    for (int i = 0; i < call->given_count; i++)
        if (is_named(line, &call->given[i], name)) return true;
    return false;
}

/* The description {name, default, kind} on the stack's top. */
static void offer_argument(lua_State *L, const struct completion *c, bool by_name) {
    char word[128], note[256];
    lua_getfield(L, -1, "name");
    lua_getfield(L, -2, "default");
    lua_getfield(L, -3, "kind");
    const char *name = lua_tostring(L, -3), *initial = lua_tostring(L, -2), *kind = lua_tostring(L, -1);
    snprintf(word, sizeof word, "%s%s", name, by_name ? " = " : "");
    snprintf(note, sizeof note, "%s%s%s", initial ? initial : "", initial && kind ? "  " : "", kind ? kind : "");
    const struct session_candidate candidate = {c->start, word, note, true, !by_name};
    if (strncmp(name, c->word, c->n) == 0) c->add(c->arg, &candidate);
    lua_pop(L, 3);
}

/* Pushes the list of arguments of the callee, or nil. */
static void push_arguments(lua_State *L, const char *line, const struct cell_span *callee) {
    size_t name = callee->end;
    while (name > callee->begin && line[name - 1] != '.' && line[name - 1] != ':') name--;
    session_push_path(L, "require", strlen("require"));
    lua_pushliteral(L, "help.arguments");
    lua_call(L, 1, 1);
    session_push_path(L, line + callee->begin, callee->end - callee->begin);
    lua_pushlstring(L, line + name, callee->end - name);
    lua_call(L, 2, 1);
}

bool session_offer_arguments(lua_State *L, const char *line, const struct completion *c) {
    struct cell_call call;
    if (!cell_call_at(line, c->start, &call) || !call.at_start || (!call.in_table && c->n > 0)) return false;
    push_arguments(L, line, &call.callee);
    if (!lua_istable(L, -1)) return false;
    for (lua_Integer i = 1; lua_geti(L, -1, i) == LUA_TTABLE; i++) {
        lua_getfield(L, -1, "name");
        const bool given = is_given(line, &call, lua_tostring(L, -1));
        lua_pop(L, 1);
        if (!given) offer_argument(L, c, call.in_table);
        lua_pop(L, 1);
    }
    return c->n == 0; /* a word may be a name as well */
}

/* The list of strings on the stack's top. */
static void offer_choices(lua_State *L, const struct completion *c) {
    for (lua_Integer i = 1; lua_geti(L, -1, i) == LUA_TSTRING; i++) {
        const struct session_candidate candidate = {.start = c->start, .word = lua_tostring(L, -1), .note = ""};
        c->add(c->arg, &candidate);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

void session_offer_values(lua_State *L, const char *line, const struct completion *c) {
    struct cell_call call;
    if (!cell_call_at(line, c->start, &call) || call.value_of.begin == call.value_of.end) return;
    push_arguments(L, line, &call.callee);
    if (!lua_istable(L, -1)) return;
    for (lua_Integer i = 1; lua_geti(L, -1, i) == LUA_TTABLE; i++) {
        lua_getfield(L, -1, "name");
        const bool wanted = is_named(line, &call.value_of, lua_tostring(L, -1));
        if (lua_getfield(L, -2, "choices") == LUA_TTABLE && wanted) offer_choices(L, c);
        lua_pop(L, 3);
    }
}
