/* A session taken apart and put together again, for lua/celda: its variables, globals, and the source of its functions. */
#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bind/bind.h"
#include "cell/functions.h"
#include "session/internal.h"
#include "session/modules.h"

/* ---- sources ------------------------------------------------------------------------------------------------------- */

static const char SOURCES[] =
    "celda.sources"; /* in the registry: chunk -> list of the texts that were compiled under it */

/* chunk, text -> noted, unless it is. Both may come from a damaged file. */
static int keep_source(lua_State *L) {
    const char *chunk = luaL_checkstring(L, 1);
    luaL_checkstring(L, 2);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, SOURCES);
    luaL_getsubtable(L, 3, chunk);
    lua_Integer n = (lua_Integer)lua_rawlen(L, 4);
    for (lua_Integer i = n; i > 0; i--) {
        lua_rawgeti(L, 4, i);
        if (lua_rawequal(L, -1, 2)) return 0;
        lua_pop(L, 1);
    }
    lua_pushvalue(L, 2);
    lua_rawseti(L, 4, n + 1);
    return 0;
}

struct source {
    const char *chunk, *text;
    size_t size;
};

static int keep_new_source(lua_State *L) {
    const struct source *s = lua_touserdata(L, 1);
    lua_pushcfunction(L, keep_source);
    lua_pushstring(L, s->chunk);
    lua_pushlstring(L, s->text, s->size);
    lua_call(L, 2, 0);
    return 0;
}

void session_keep_source(lua_State *L, const char *chunk, const char *source, size_t n) {
    struct source s = {chunk, source, n};
    lua_pushcfunction(L, keep_new_source);
    lua_pushlightuserdata(L, &s);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1); /* its functions cannot be saved, which saving says */
}

/* sources(chunk): the texts that were compiled as this chunk, those of our own modules among them. */
static int sources(lua_State *L) {
    const char *chunk = luaL_checkstring(L, 1);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, SOURCES);
    if (lua_getfield(L, -1, chunk) == LUA_TTABLE) return 1;
    lua_newtable(L);
    for (const struct session_module *m = session_modules; m->name; m++) {
        if (strncmp(chunk, "=celda:", 7) != 0 || strcmp(m->path, chunk + 7) != 0) continue;
        lua_pushlstring(L, m->source, m->size);
        lua_rawseti(L, -2, 1);
    }
    return 1;
}

/* The line without the blanks around it. */
static struct cell_span trimmed_line(const char *text, size_t n, int number) {
    struct cell_span line = session_find_line(text, n, number);
    while (line.begin < line.end && strchr(" \t\r", text[line.begin])) line.begin++;
    return line;
}

bool session_push_source(lua_State *L, const char *chunk, int number) {
    const int top = lua_gettop(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, SOURCES);
    const lua_Integer texts = lua_getfield(L, -1, chunk) == LUA_TTABLE ? (lua_Integer)lua_rawlen(L, -1) : 0;
    for (lua_Integer i = texts; i > 0; i--) {
        size_t n;
        lua_rawgeti(L, top + 2, i);
        const char *text = lua_tolstring(L, -1, &n);
        const struct cell_span line = trimmed_line(text, n, number);
        if (line.begin < line.end) {
            lua_replace(L, top + 1);
            lua_settop(L, top + 1);
            return true;
        }
        lua_pop(L, 1);
    }
    lua_settop(L, top);
    return false;
}

static void put_line(const char *text, size_t n, int number, struct buf *out) {
    const struct cell_span line = trimmed_line(text, n, number);
    buf_put(out, text + line.begin, line.end - line.begin);
}

void session_put_source_line(lua_State *L, const char *chunk, int number, struct buf *out) {
    struct buf file = {0};
    struct err unread = {0};
    size_t n;
    if (*chunk == '@') {
        if (buf_read_file(&file, chunk + 1, &unread) == OK) put_line(file.data, file.len, number, out);
        buf_free(&file);
    } else if (session_push_source(L, chunk, number)) {
        const char *text = lua_tolstring(L, -1, &n);
        put_line(text, n, number, out);
        lua_pop(L, 1);
    }
}

/* is_module(name): whether it is one of our own. */
static int is_module(lua_State *L) {
    bool found = false;
    for (const struct session_module *m = session_modules; m->name; m++)
        found |= strcmp(m->name, luaL_checkstring(L, 1)) == 0;
    return lua_pushboolean(L, found), 1;
}

/* ---- functions ----------------------------------------------------------------------------------------------------- */

#define FUNCTIONS "celda.functions"

static int release_functions(lua_State *L) {
    cell_functions_free(luaL_checkudata(L, 1, FUNCTIONS));
    return 0;
}

static void set_integer(lua_State *L, const char *key, size_t n) {
    lua_pushinteger(L, (lua_Integer)n);
    lua_setfield(L, -2, key);
}

static void set_span(lua_State *L, struct cell_span span) {
    set_integer(L, "first", span.begin + 1);
    set_integer(L, "last", span.end);
}

static void push_function(lua_State *L, const struct cell_function *f) {
    lua_createtable(L, 0, 6);
    set_span(L, f->body);
    set_integer(L, "line", (size_t)f->line);
    set_integer(L, "last_line", (size_t)f->last_line);
    lua_pushboolean(L, f->method);
    lua_setfield(L, -2, "method");
    lua_pushboolean(L, f->parameters);
    lua_setfield(L, -2, "parameters");
}

/* find_functions(text): {{first, last, line, last_line, method, parameters}, ...} and the constants {{first, last}, ...} */
static int find_functions(lua_State *L) {
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    struct err e = {0};
    struct cell_functions *f = lua_newuserdatauv(L, sizeof *f, 0);
    *f = (struct cell_functions){0};
    luaL_setmetatable(L, FUNCTIONS);
    bind_check(L, cell_functions_find(text, n, f, &e), &e);
    lua_createtable(L, (int)f->count, 0);
    for (size_t i = 0; i < f->count; i++) {
        push_function(L, &f->all[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_createtable(L, (int)f->constant_count, 0);
    for (size_t i = 0; i < f->constant_count; i++) {
        lua_createtable(L, 0, 2);
        set_span(L, f->constants[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 2;
}

/* ---- variables ----------------------------------------------------------------------------------------------------- */

/* locals(): {{name, carrier, constant}, ...}; a carrier is a function whose one upvalue is the variable. */
static int list_locals(lua_State *L) {
    const struct locals *s = session_of(L)->locals;
    lua_newtable(L);
    for (int i = 0; i < locals_count(s); i++) {
        lua_createtable(L, 0, 3);
        lua_pushstring(L, locals_name(s, i));
        lua_setfield(L, -2, "name");
        locals_push_carrier(L, s, i);
        lua_setfield(L, -2, "carrier");
        lua_pushboolean(L, locals_is_const(s, i));
        lua_setfield(L, -2, "constant");
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* put_local(name, carrier, constant) */
static int put_local(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    bool constant = lua_toboolean(L, 3);
    lua_settop(L, 2);
    locals_put(L, session_of(L)->locals, name, constant);
    return 0;
}

/* forget_local(name) */
static int forget_local(lua_State *L) {
    struct locals *s = session_of(L)->locals;
    int i = locals_find(s, luaL_checkstring(L, 1));
    if (i >= 0) locals_forget(L, s, i);
    return 0;
}

static void add_global(void *arg, lua_State *L, const char *name) {
    lua_pushvalue(L, -1);
    lua_setfield(L, *(const int *)arg, name);
}

/* globals(): those of the user, by name. */
static int list_globals(lua_State *L) {
    lua_newtable(L);
    int table = lua_gettop(L);
    session_each_global(session_of(L), add_global, &table);
    return 1;
}

/* The names in a folder, each with a NUL behind it. */
static enum status read_folder(const char *path, struct buf *names, struct err *e) {
    DIR *folder = opendir(path);
    if (!folder) return err_set(e, ERR_IO, "cannot open the folder '%s': %s", path, strerror(errno));
    for (const struct dirent *d; (d = readdir(folder));) buf_put(names, d->d_name, strlen(d->d_name) + 1);
    closedir(folder);
    return buf_status(names, e);
}

/* list_folder(path): a list of names. */
static int list_folder(lua_State *L) {
    struct buf names = {0};
    struct err e = {0};
    lua_newtable(L);
    if (read_folder(luaL_checkstring(L, 1), &names, &e) == OK) lua_pushlstring(L, buf_text(&names), names.len);
    buf_free(&names);
    bind_check(L, e.status, &e);
    size_t n;
    const char *text = lua_tolstring(L, -1, &n);
    for (size_t at = 0; at < n; at += strlen(text + at) + 1) {
        lua_pushstring(L, text + at);
        lua_rawseti(L, -3, (lua_Integer)lua_rawlen(L, -3) + 1);
    }
    lua_pop(L, 1);
    return 1;
}

/* make_folder(path): unless it is there. */
static int make_folder(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    struct err e = {0};
    if (mkdir(path, 0777) && errno != EEXIST)
        bind_check(L, err_set(&e, ERR_IO, "cannot make the folder '%s': %s", path, strerror(errno)), &e);
    return 0;
}

/* uninterrupted(f): Ctrl-C waits until f has returned. */
static int uninterrupted(lua_State *L) {
    lua_settop(L, 1);
    bool runs = session_interrupt_running();
    if (runs) session_interrupt_end(L);
    int status = lua_pcall(L, 0, 0, 0);
    if (runs) session_interrupt_begin(L);
    return status == LUA_OK ? 0 : lua_error(L);
}

/* celda.save(path, value) and celda.load(path). Upvalue 1: the module. */
static int call_value(lua_State *L) {
    int n = lua_gettop(L);
    session_push_function(L, lua_tostring(L, lua_upvalueindex(1)), "value");
    lua_insert(L, 1);
    lua_call(L, n, LUA_MULTRET);
    return lua_gettop(L);
}

static void set_celda(lua_State *L, const char *name, const char *module) {
    lua_getglobal(L, "celda");
    lua_pushstring(L, module);
    lua_pushcclosure(L, call_value, 1);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

static int count_runs(lua_State *L) {
    lua_pushinteger(L, session_runs(session_of(L)));
    return 1;
}

void session_open_parts(lua_State *L) {
    static const luaL_Reg functions[] = {{"sources", sources},
                                         {"keep_source", keep_source},
                                         {"is_module", is_module},
                                         {"find_functions", find_functions},
                                         {"locals", list_locals},
                                         {"put_local", put_local},
                                         {"forget_local", forget_local},
                                         {"globals", list_globals},
                                         {"list_folder", list_folder},
                                         {"make_folder", make_folder},
                                         {"uninterrupted", uninterrupted},
                                         {"runs", count_runs},
                                         {"meant", session_meant},
                                         {NULL, NULL}};
    luaL_newmetatable(L, FUNCTIONS);
    lua_pushcfunction(L, release_functions);
    lua_setfield(L, -2, "__gc");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "celda.core");
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 3);
    set_celda(L, "save", "celda.save");
    set_celda(L, "load", "celda.load");
}
