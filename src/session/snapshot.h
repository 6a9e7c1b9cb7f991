/* Everything that a cell can change, at one moment: session variables, globals, the tables and upvalues that they reach,
 * and what the core holds for them. Tables and functions stay the same objects when the session goes back.
 *
 * Left out: tables that are too large together (ENTRIES), coroutines, files, and what the outside world saw. */
#ifndef SESSION_SNAPSHOT_H
#define SESSION_SNAPSHOT_H

#include "session/session.h"

struct snapshot;

#define SNAPSHOT_ENTRIES (1 << 16) /* of tables, in all: some 4 MB and 15 ms a cell at most */

/* `budget`: bytes of tensors that may be copied when they are overwritten. It records, and can be gone back to, as
 * run_snapshot_new says. Not while Lua code runs that would see its variables change. */
enum status snapshot_new(struct session *s, size_t budget, struct snapshot **out, struct err *e);
enum status snapshot_restore(struct snapshot *s, struct err *e);
void snapshot_free(struct snapshot *s);

/* The state before the last cell that ran Lua (`back` 0), or cells further back, as far as it is kept and nothing was taken
 * back since: else NULL. Its cell's name. */
const struct snapshot *session_snapshot_before(const struct session *s, int back, const char **cell);

/* "co: a coroutine", one a line, for what would not come back; "" for nothing. */
const char *snapshot_left_out(const struct snapshot *s);
/* Whether the cells between s and `next` changed nothing but `_`. */
bool snapshot_same(const struct snapshot *s, const struct snapshot *next);
/* Calls fn for each variable that is not as it was, or reaches something that is not: a table, an upvalue, a tensor, a
 * weight. What it was and what it is lie on the stack's top, in this order, nil for what is not; fn leaves the stack as it
 * is. `known`: there was one of that name. */
typedef void snapshot_change_fn(void *arg, lua_State *L, const char *name, bool known);
enum status snapshot_changes(const struct snapshot *s, snapshot_change_fn *fn, void *arg, struct err *e);
/* Bytes of tensors that are held for s alone, where `next` was taken after it. */
size_t snapshot_bytes(const struct snapshot *s, const struct snapshot *next);

#endif
