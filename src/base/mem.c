/* Counted memory. Invariant: `used` is the sum of what every live allocation reserved, and never exceeds the limit;
 * malloc itself succeeds far beyond the machine's memory, so the reservation is what refuses. */
#include "base/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/machine.h"

enum { HEADER = 16, ALIGN = 64, HUGE_PAGE = 2 << 20 };
static const size_t MB = 1 << 20;

static atomic_size_t used, blocks, peak, forced_limit;
static atomic_size_t known_free = 32 << 20; /* up to so much `used` the system is taken or was found to have room */
static atomic_bool spare;                   /* the reserve may not be spent now */
static atomic_size_t seen, fail_at;
static atomic_bool fail_always;
static void (*pressure)(void *);
static void *pressure_arg;

/* ---- limits ------------------------------------------------------------------------------------------------------ */

size_t mem_limit(void) {
    return forced_limit ? forced_limit : machine_memory_limit();
}

const char *mem_limit_source(void) {
    return machine_memory_source();
}

void mem_set_limit(size_t bytes) {
    forced_limit = bytes;
}
size_t mem_used(void) {
    return used;
}
size_t mem_block_used(void) {
    return blocks;
}
size_t mem_peak(void) {
    return peak;
}
void mem_reset_peak(void) {
    peak = (size_t)used;
}
void mem_on_pressure(void (*hook)(void *arg), void *arg) {
    pressure = hook, pressure_arg = arg;
}

/* ---- fault injection --------------------------------------------------------------------------------------------- */

static size_t set_fault(size_t n, bool always) {
    size_t count = atomic_exchange(&seen, 0);
    fail_always = always;
    fail_at = n;
    return count;
}

size_t mem_fail_after(size_t n) {
    return set_fault(n, true);
}
size_t mem_fail_once(size_t n) {
    return set_fault(n, false);
}

static bool fault(void) {
    size_t n = atomic_fetch_add(&seen, 1) + 1, at = fail_at;
    return at && (n == at || (n > at && fail_always));
}

/* ---- the reservation --------------------------------------------------------------------------------------------- */

static size_t clamp(size_t x, size_t low, size_t high) {
    return x < low ? low : x > high ? high : x;
}

void mem_keep_reserve(bool keep) {
    spare = keep;
}

/* What stays free for who may spend the reserve. */
static size_t reserved(size_t limit) {
    return spare ? clamp(limit / 16, 0, 8 * MB) : 0;
}

/* Other processes, and what malloc adds, use memory, too: before `used` grows to `wanted` the system is asked, the more
 * often the less it has left. */
static bool system_has(size_t wanted, size_t bytes) {
    if (forced_limit || wanted <= known_free) return true;
    size_t margin = clamp(mem_limit() / 64, 8 * MB, 256 * MB) / (spare ? 1 : 2), room = machine_memory_free();
    if (room < margin || bytes > room - margin) return false;
    known_free = wanted + clamp((room - margin - bytes) / 4, MB, 256 * MB);
    return true;
}

static bool reserve(size_t bytes) {
    size_t limit = mem_limit(), now = used;
    limit -= reserved(limit);
    do {
        if (bytes > limit || now > limit - bytes) return false;
    } while (!atomic_compare_exchange_weak(&used, &now, now + bytes));
    if (!system_has(now + bytes, bytes)) {
        used -= bytes;
        return false;
    }
    size_t top = peak;
    while (now + bytes > top && !atomic_compare_exchange_weak(&peak, &top, now + bytes)) {
    }
    return true;
}

static const char *human(size_t bytes, char text[32]) {
    static const char *const unit[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    double x = (double)bytes;
    int u = 0;
    for (; x >= 1000 && u < 6; u++) x /= 1000;
    snprintf(text, 32, u ? "%.1f %s" : "%.0f %s", x, unit[u]);
    return text;
}

static void *refuse(size_t bytes, struct err *e) {
    char a[32], b[32], c[32];
    if (e)
        err_set(e, ERR_MEMORY, "out of memory: cannot allocate %s: %s in use, limit %s (%s)", human(bytes, a),
                human(used, b), human(mem_limit(), c), forced_limit ? "set" : mem_limit_source());
    return NULL;
}

/* ---- small allocations: a header holds the size --------------------------------------------------------------------
 */

void *mem_realloc(void *p, size_t bytes, struct err *e) {
    if (bytes > SIZE_MAX / 2 || fault()) return refuse(bytes, e);
    char *base = p ? (char *)p - HEADER : NULL;
    size_t old = base ? *(size_t *)base : 0, size = bytes + HEADER;
    if (size > old && !reserve(size - old)) return refuse(bytes, e);
    char *moved = realloc(base, size);
    if (!moved) {
        if (size > old) used -= size - old;
        return refuse(bytes, e);
    }
    if (size < old) used -= old - size;
    *(size_t *)moved = size;
    return moved + HEADER;
}

void *mem_alloc(size_t bytes, struct err *e) {
    return mem_realloc(NULL, bytes, e);
}

void *mem_zalloc(size_t bytes, struct err *e) {
    void *p = mem_alloc(bytes, e);
    return p ? memset(p, 0, bytes) : NULL;
}

char *mem_strdup(const char *s, struct err *e) {
    size_t n = strlen(s) + 1;
    char *p = mem_alloc(n, e);
    return p ? memcpy(p, s, n) : NULL;
}

void mem_free(void *p) {
    if (!p) return;
    char *base = (char *)p - HEADER;
    used -= *(size_t *)base;
    free(base);
}

/* ---- blocks: 64-byte aligned, the size in the line before -----------------------------------------------------------
 */

/* Large blocks ask for huge pages: a training step takes 4 % less time. */
static void *pages(size_t size) {
    if (size < 4 * HUGE_PAGE) return aligned_alloc(ALIGN, size);
    size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *p = aligned_alloc(HUGE_PAGE, size);
    if (p) madvise(p, size, MADV_HUGEPAGE); /* a wish: nothing depends on it */
    return p;
}

static void *block_try(size_t bytes) {
    size_t size = (bytes + 2 * ALIGN - 1) / ALIGN * ALIGN;
    if (bytes > SIZE_MAX / 2 || fault() || !reserve(size)) return NULL;
    char *base = pages(size);
    if (!base) {
        used -= size;
        return NULL;
    }
    blocks += size;
    *(size_t *)base = size;
    return base + ALIGN;
}

void *mem_block_alloc(size_t bytes, struct err *e) {
    void *p = block_try(bytes);
    if (!p && pressure) {
        pressure(pressure_arg);
        p = block_try(bytes);
    }
    return p ? p : refuse(bytes, e);
}

void mem_block_free(void *p) {
    if (!p) return;
    char *base = (char *)p - ALIGN;
    used -= *(size_t *)base;
    blocks -= *(size_t *)base;
    free(base);
}

/* ---- Lua ----------------------------------------------------------------------------------------------------------
 */

void *mem_lua(void *ud, void *p, size_t old_size, size_t new_size) {
    (void)ud;
    size_t old = p ? old_size : 0; /* without p, old_size is the kind of object */
    if (new_size == 0) {
        used -= old;
        free(p);
        return NULL;
    }
    if (new_size > old && !reserve(new_size - old)) return NULL;
    void *moved = realloc(p, new_size);
    if (!moved) {
        if (new_size > old) used -= new_size - old;
        return new_size <= old ? p : NULL;
    }
    if (new_size < old) used -= old - new_size;
    return moved;
}

void mem_trim(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
