/* A cell's Lua, analysed without running it: tokens, completeness, the last expression, top-level locals, and the names
 * it takes from outside. One parse serves the session, the REPL's colours and continuation lines, and stale marks. */
#ifndef CELL_LUA_H
#define CELL_LUA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Bytes [begin, end) of the source. */
struct cell_span {
    size_t begin, end;
};

enum cell_token_kind {
    CELL_TOKEN_NAME,
    CELL_TOKEN_KEYWORD,
    CELL_TOKEN_NUMBER,
    CELL_TOKEN_STRING,
    CELL_TOKEN_OPERATOR, /* and punctuation */
    CELL_TOKEN_COMMENT,
    CELL_TOKEN_WRONG, /* what cannot be a token, or one that the text ends in (an unfinished string) */
};

struct cell_token {
    enum cell_token_kind kind;
    int symbol; /* which operator or keyword: parser.h's enum symbol, or the character itself */
    struct cell_span span;
    int line, last_line; /* of its first and its last byte, from 1 */
};

enum cell_lua_status {
    CELL_LUA_COMPLETE,
    CELL_LUA_INCOMPLETE, /* more text could make it a chunk (Lua's own rule: an error at <eof>) */
    CELL_LUA_ERROR,
};

enum cell_attribute { CELL_PLAIN, CELL_CONST, CELL_CLOSE };

struct cell_local {
    struct cell_span name;
    enum cell_attribute attribute;
};

/* A `local` statement in the chunk's outermost block. */
struct cell_local_statement {
    struct cell_span span;    /* `local` to its last token */
    struct cell_local *names; /* one for `local function` */
    size_t count;
    bool function, initialised;
};

/* A name that no local of the cell declares at that place: a session variable or a global. */
struct cell_free_name {
    char *name;
    bool read, written;
    int line;      /* of its first occurrence */
    int read_line; /* of the first that reads it; 0: none does */
};

struct cell_lua {
    enum cell_lua_status status;
    char message[256]; /* Lua's words without the position: "unexpected symbol near 'x'"; "" when complete */
    int line, column;  /* of the error, from 1; the column counts bytes */

    struct cell_token *tokens; /* to the end, or to the first wrong token; comments included */
    size_t token_count;

    struct cell_local_statement *locals;
    size_t local_count;
    struct cell_free_name *free_names; /* sorted by name */
    size_t free_count;

    /* The last statement, where it is one or more expressions that Lua would not take as a statement (`x + 1`), or a
     * call. begin == end: it is neither. */
    struct cell_span last;
    bool last_is_call;
};

/* Nesting beyond this many levels (blocks and expressions together, as Lua counts them) is an error. */
#define CELL_LUA_MAX_LEVELS 190

/* Analyses a chunk of Lua 5.4; a first line that starts with #! is skipped. ERR_MEMORY is the only failure: a syntax
 * error is a result. Free with cell_lua_free, also after a failure. */
enum status cell_lua_parse(const char *source, size_t n, struct cell_lua *out, struct err *e);
void cell_lua_free(struct cell_lua *c);
/* 1 where token i of this source opens a bracket, -1 where it closes one, else 0. */
int cell_lua_bracket(const struct cell_lua *c, const char *source, size_t i);

/* Whether it is one expression or a list of them: what may stand behind `return`. */
bool cell_lua_is_expression(const char *source, size_t n);

#endif
