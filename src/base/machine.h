/* How much memory this process may have, and how much is left of it: the machine's, or that of the control groups it
 * runs in (version 1 or 2), whichever is less. */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include <stddef.h>

size_t machine_memory_limit(void);       /* bytes; read once */
const char *machine_memory_source(void); /* whose limit that is: "cgroup" or "machine" */
size_t machine_memory_free(void);        /* bytes that could be had now, page cache that can be dropped included */

#endif
