/* Output of Lua code on its way to the sink: print, io.write, and writes to io.stdout and io.stderr. Invariant: nothing a
 * cell prints goes around the sink, so that every front shows all of it in order. */
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wrap.h"
#include "bind/bind.h"
#include "session/internal.h"

/* Raises where standard output is gone: a loop that prints into a closed pipe ends. */
static void put(lua_State *L, enum sink_stream stream, const char *bytes, size_t n) {
    struct sink *sink = session_of(L)->sink;
    sink->text(sink, stream, bytes, n);
    if (sink->closed && stream == SINK_OUT) luaL_error(L, "standard output is closed");
}

/* One call, one text: lines of two writers do not mix. */
static int output_print(lua_State *L) {
    luaL_Buffer b;
    int n = lua_gettop(L);
    luaL_buffinit(L, &b);
    for (int i = 1; i <= n; i++) {
        size_t size;
        if (i > 1) luaL_addchar(&b, '\t');
        luaL_tolstring(L, i, &size);
        luaL_addvalue(&b);
    }
    luaL_addchar(&b, '\n');
    luaL_pushresult(&b);
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    put(L, SINK_OUT, text, size);
    return 0;
}

/* Writes arguments from `first` on to a stream; the file itself is the result, as in Lua. */
static void write_args(lua_State *L, enum sink_stream stream, int first) {
    for (int i = first; i <= lua_gettop(L); i++) {
        size_t size;
        const char *text = luaL_checklstring(L, i, &size);
        put(L, stream, text, size);
    }
}

/* Which stream a file handle is; -1: a real file. */
static int stream_of(lua_State *L, int index) {
    luaL_Stream *f = luaL_testudata(L, index, LUA_FILEHANDLE);
    if (!f || !f->closef) return -1;
    return f->f == stdout ? SINK_OUT : f->f == stderr ? SINK_ERR : -1;
}

bool session_is_output(lua_State *L, int index) {
    return stream_of(L, index) >= 0;
}

/* file:write(...): upvalue 1 is Lua's own. */
static int file_write(lua_State *L) {
    int stream = stream_of(L, 1);
    if (stream >= 0) {
        write_args(L, (enum sink_stream)stream, 2);
        lua_settop(L, 1);
        return 1;
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* io.write(...) writes to io.output(), which the user may have changed. Upvalue 1: io.output; 2: file:write. Errors are
 * raised here, so that they name io.write. */
static int io_write(lua_State *L) {
    int n = lua_gettop(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_call(L, 0, 1);
    const luaL_Stream *f = luaL_testudata(L, -1, LUA_FILEHANDLE);
    if (f && !f->closef) return luaL_error(L, "default output file is closed");
    for (int i = 1; i <= n; i++) luaL_checkstring(L, i);
    lua_insert(L, 1);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1);
    lua_call(L, n + 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* celda.output(): what the front can show, {redraws =, colour =, colours =, width =}. */
static int output_info(lua_State *L) {
    const struct sink *sink = session_of(L)->sink;
    lua_createtable(L, 0, 4);
    lua_pushboolean(L, sink->redraws);
    lua_setfield(L, -2, "redraws");
    lua_pushboolean(L, sink->colour);
    lua_setfield(L, -2, "colour");
    lua_pushinteger(L, sink->colours);
    lua_setfield(L, -2, "colours");
    lua_pushinteger(L, sink->width);
    lua_setfield(L, -2, "width");
    return 1;
}

/* celda.progress(line): shows it in place of the one before; "" takes it away. Nothing where lines cannot be redrawn. */
static int output_progress(lua_State *L) {
    size_t n;
    const char *line = luaL_checklstring(L, 1, &n);
    struct sink *sink = session_of(L)->sink;
    if (sink->redraws) sink->progress(sink, line, n);
    return 0;
}

/* celda.wrap(text): its lines broken at spaces to the width of what the front shows. */
static int output_wrap(lua_State *L) {
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    struct buf wrapped = {0};
    struct err e = {0};
    wrap_text(text, n, session_of(L)->sink->width, &wrapped);
    if (buf_status(&wrapped, &e) == OK) lua_pushlstring(L, buf_text(&wrapped), wrapped.len);
    buf_free(&wrapped);
    bind_check(L, e.status, &e);
    return 1;
}

/* A function of Lua's that others see the effect of (upvalue 1): what was printed before is seen before. */
static int flush_first(lua_State *L) {
    sink_flush(session_of(L)->sink);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* os.execute: the system keeps Ctrl-C from us while the program runs, which ends by it: so does the cell. */
static int execute(lua_State *L) {
    const int n = flush_first(L), at = lua_gettop(L) - n + 1;
    const char *how = n == 3 ? lua_tostring(L, at + 1) : NULL;
    if (how && strcmp(how, "signal") == 0 && lua_tointeger(L, at + 2) == SIGINT) session_interrupt();
    return n;
}

/* Puts f, which ends in Lua's own, in the place of a field of the table on the top. */
static void wrap_flush(lua_State *L, const char *name, lua_CFunction f) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, f, 1);
    lua_setfield(L, -2, name);
}

/* os.exit([code[, close]]), as Lua's, where the session is a script's. */
static int os_exit(lua_State *L) {
    struct session *s = session_of(L);
    if (!s->may_exit) return luaL_error(L, "os.exit() would end the session and all it holds; press Ctrl-D to leave");
    int code = lua_isboolean(L, 1) ? (lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE)
                                   : (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
    if (lua_toboolean(L, 2)) lua_close(s->L);
    sink_flush(s->sink);
    fflush(NULL);
    exit(code);
}

/* A message may come in pieces; one of a single piece that begins with @ is a control message ("@on", "@off"). */
static void on_warning(void *ud, const char *message, int more) {
    struct session *s = ud;
    if (!s->warning_goes_on && !more && *message == '@') {
        if (strcmp(message, "@off") == 0) s->warnings_off = true;
        if (strcmp(message, "@on") == 0) s->warnings_off = false;
        return;
    }
    if (!s->warnings_off) {
        if (!s->warning_goes_on) s->sink->text(s->sink, SINK_ERR, "warning: ", 9);
        s->sink->text(s->sink, SINK_ERR, message, strlen(message));
        if (!more) s->sink->text(s->sink, SINK_ERR, "\n", 1);
    }
    s->warning_goes_on = more;
}

void session_open_output(lua_State *L) {
    lua_pushcfunction(L, output_print);
    lua_setglobal(L, "print");
    luaL_getmetatable(L, LUA_FILEHANDLE);
    lua_getfield(L, -1, "__index");
    lua_getfield(L, -1, "write");
    lua_pushcclosure(L, file_write, 1);
    lua_setfield(L, -2, "write");
    wrap_flush(L, "flush", flush_first);
    lua_getglobal(L, "io");
    wrap_flush(L, "flush", flush_first);
    wrap_flush(L, "popen", flush_first);
    lua_getfield(L, -1, "output");
    lua_getfield(L, -3, "write");
    lua_pushcclosure(L, io_write, 2);
    lua_setfield(L, -2, "write");
    lua_pop(L, 3);
    lua_getglobal(L, "os");
    lua_pushcfunction(L, os_exit);
    lua_setfield(L, -2, "exit");
    wrap_flush(L, "execute", execute);
    lua_pop(L, 1);
    lua_setwarnf(L, on_warning, session_of(L));
}

void session_open_output_info(lua_State *L) {
    lua_getglobal(L, "celda");
    lua_pushcfunction(L, output_info);
    lua_setfield(L, -2, "output");
    lua_pushcfunction(L, output_wrap);
    lua_setfield(L, -2, "wrap");
    lua_pushcfunction(L, output_progress);
    lua_setfield(L, -2, "progress");
    lua_pushcfunction(L, session_display);
    lua_setfield(L, -2, "display");
    lua_pop(L, 1);
}
