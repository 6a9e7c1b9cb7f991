/* What the files of session/ share. */
#ifndef SESSION_INTERNAL_H
#define SESSION_INTERNAL_H

#include "run/run.h"
#include "session/locals.h"
#include "session/session.h"

struct session {
    lua_State *L;
    struct run *run;
    struct locals *locals;
    struct sink *sink;
    char *folder;
    session_magic_fn *magic;
    void *magic_arg;
    bool may_exit;        /* os.exit ends the process: scripts alone */
    struct buf traceback; /* of the error that is on its way up */
    int depth;            /* cells running: a magic may run another */
    const char *chunk;    /* of the cell that runs, and its result */
    struct session_result *result;
    int lua_calls; /* cells' functions on the C stack: the state cannot be replaced under them */
};

/* The session a Lua state belongs to. */
struct session *session_of(lua_State *L);

/* print, io.write, io.stdout, io.stderr and os.exit go through the sink. */
void session_open_output(lua_State *L);
void session_open_output_info(lua_State *L); /* celda.output, once bind has made celda */
/* Embedded modules for require, and globals that load theirs when first used. */
void session_open_modules(lua_State *L);
/* coroutine.resume, wrap and close that tell the interrupt which coroutine runs. */
void session_open_coroutines(lua_State *L);

/* Between these two a cell runs and Ctrl-C stops it. `begin` clears a stale interrupt. */
void session_interrupt_begin(lua_State *L);
void session_interrupt_end(lua_State *L);

/* The message handler of a cell's pcall: leaves the error value and writes the traceback to session->traceback. */
int session_on_error(lua_State *L);
/* The error value's message, as a user reads it. */
void session_error_text(lua_State *L, int index, struct buf *out);

/* A value as a cell shows it: strings quoted, tables opened up to a depth and size, others by tostring. May raise
 * through a __tostring: call it protected. */
void session_inspect(lua_State *L, int index, struct buf *out);

#endif
