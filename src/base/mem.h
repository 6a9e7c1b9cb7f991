/* Memory counted against one limit: the smaller of the cgroup's and the machine's. Every allocation of the core and of
 * Lua goes through here, so that too large a tensor is an error and not a kill. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Small metadata, malloc's alignment. NULL with ERR_MEMORY in e (e may be NULL). Zero bytes give a valid pointer. */
void *mem_alloc(size_t bytes, struct err *e);
void *mem_zalloc(size_t bytes, struct err *e);
void *mem_realloc(void *p, size_t bytes, struct err *e);
char *mem_strdup(const char *s, struct err *e);
void mem_free(void *p);

/* Tensor data: 64-byte aligned, not zeroed. When the limit refuses, the pressure hook runs once and the request is
 * tried again; then the error names requested, used and limit. Freed with mem_block_free alone. */
void *mem_block_alloc(size_t bytes, struct err *e);
void mem_block_free(void *p);

/* lua_Alloc with the same accounting; `ud` is unused. */
void *mem_lua(void *ud, void *p, size_t old_size, size_t new_size);

/* Called on the allocating thread when a block is refused; it should free what it can (collect Lua's garbage). */
void mem_on_pressure(void (*hook)(void *arg), void *arg);

/* Gives memory that was freed back to the system, as far as the C library can: milliseconds for gigabytes. */
void mem_trim(void);
size_t mem_used(void);       /* bytes held now */
size_t mem_block_used(void); /* of these, in blocks (tensor data) */
size_t mem_peak(void);       /* most bytes held since mem_reset_peak */
void mem_reset_peak(void);
size_t mem_limit(void);             /* bytes this process may hold */
const char *mem_limit_source(void); /* "cgroup" or "machine" */
void mem_set_limit(size_t bytes);   /* 0: back to what the system says */

/* While true, the last sixteenth of the limit (8 MB at most) is refused: so that after a cell that took all it could
 * get, the session still has memory to say so and to run the next one. */
void mem_keep_reserve(bool keep);

/* For tests: the n-th allocation from now (1 = the next) and all after it fail; 0 turns it off. `mem_fail_once` fails
 * only the n-th. Returns how many allocations were seen since the last call. */
size_t mem_fail_after(size_t n);
size_t mem_fail_once(size_t n);

#endif
