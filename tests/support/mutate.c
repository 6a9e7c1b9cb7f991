/* Deterministic mutation of texts. */
#include "support/mutate.h"

#include <string.h>

unsigned mutate_random(unsigned *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static size_t line_start(const char *s, size_t at) {
    while (at > 0 && s[at - 1] != '\n') at--;
    return at;
}

/* From a line's start on, some hundred bytes; one time in three from the text's start. */
static void put_part(const struct mutation *m, unsigned *seed, struct buf *out) {
    size_t from = mutate_random(seed) % m->size, n = mutate_random(seed) % 400;
    from = mutate_random(seed) % 3 ? line_start(m->text, from) : 0;
    n += from ? 0 : mutate_random(seed) % m->size;
    buf_put(out, m->text + from, n < m->size - from ? n : m->size - from);
}

static void insert(struct buf *b, size_t at, const char *piece) {
    size_t n = strlen(piece);
    if (!buf_room(b, n)) return;
    memmove(b->data + at + n, b->data + at, b->len - at + 1);
    memcpy(b->data + at, piece, n);
    b->len += n;
}

static void change(const struct mutation *m, unsigned *seed, struct buf *b) {
    size_t at = mutate_random(seed) % b->len;
    switch (mutate_random(seed) % 4) {
    case 0:
        memmove(b->data + at, b->data + at + 1, b->len - at);
        b->len--;
        break;
    case 1: b->data[at] = (char)mutate_random(seed); break;
    default: insert(b, at, m->pieces[mutate_random(seed) % m->piece_count]);
    }
}

struct buf mutate(const struct mutation *m) {
    struct buf b = {0};
    unsigned seed = m->seed * 7919u;
    put_part(m, &seed, &b);
    for (unsigned n = mutate_random(&seed) % 4; n > 0 && b.len > 1; n--) change(m, &seed, &b);
    return b;
}
