/* For ThreadSanitizer, which unwinds its own stack in longjmp but does not know the checked one that Debian's Lua calls: an
 * error raised through it would leave frames behind, 700 KB for each thousand of them. */
#ifdef __SANITIZE_THREAD__
#include <setjmp.h>

void __longjmp_chk(jmp_buf target, int value);

void __longjmp_chk(jmp_buf target, int value) {
    longjmp(target, value);
}
#else
typedef int tsan_is_not_here; /* ISO C wants a declaration */
#endif
