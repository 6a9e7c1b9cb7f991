/* Edit distance (Damerau-Levenshtein, optimal string alignment) between short names. */
#include "base/nearest.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

enum { LONGEST = 63 };

static int least(int a, int b) {
    return a < b ? a : b;
}

static int distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST) return LONGEST;
    int row[3][LONGEST + 1];
    int *before = row[0], *last = row[1], *now = row[2];
    for (size_t j = 0; j <= m; j++) last[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        int *t = before;
        before = last, last = now, now = t;
    }
    return last[m];
}

/* How many bytes two names begin with in common. */
static int agreement(const char *a, const char *b) {
    int n = 0;
    while (a[n] && tolower((unsigned char)a[n]) == tolower((unsigned char)b[n])) n++;
    return n;
}

const char *nearest(const char *word, const char *const *names) {
    const char *best = NULL;
    int length = (int)strlen(word), closest = least(length / 3 + 1, length / 2);
    for (; *names; names++) {
        int d = distance(word, *names);
        if (d > closest || (best && d == closest && agreement(word, *names) <= agreement(word, best))) continue;
        closest = d, best = *names;
    }
    return best;
}
