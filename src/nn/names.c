/* Names as Keras makes and prints them. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "nn/impl.h"

/* An underscore goes before a capital that follows a small letter or starts a word of small letters: what Keras's two
 * regular expressions come to. */
void nn_snake_case(const char *name, char *out, size_t cap) {
    size_t n = 0;
    for (const char *p = name; *p && n + 2 < cap; p++) {
        if (p > name && isupper((unsigned char)p[0]) && (islower((unsigned char)p[-1]) || islower((unsigned char)p[1])))
            out[n++] = '_';
        out[n++] = (char)tolower((unsigned char)*p);
    }
    out[n] = 0;
}

bool nn_is_named(const char *name, const char *aliases, const char *word) {
    if (strcmp(name, word) == 0) return true;
    size_t length = strlen(word);
    for (const char *p = aliases; p && *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        if (n == length && memcmp(p, word, n) == 0) return true;
        p += n;
    }
    return false;
}

const char *nn_shape_text(const struct shape *s, char *text, size_t cap) {
    size_t n = (size_t)snprintf(text, cap, "(");
    for (int i = 0; i < s->rank && n < cap; i++) {
        const char *end = i + 1 < s->rank ? ", " : s->rank == 1 ? "," : "";
        if (s->dim[i] < 0)
            n += (size_t)snprintf(text + n, cap - n, "None%s", end);
        else
            n += (size_t)snprintf(text + n, cap - n, "%lld%s", (long long)s->dim[i], end);
    }
    if (n < cap) snprintf(text + n, cap - n, ")");
    return text;
}
