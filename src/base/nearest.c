/* Edit distance (Damerau-Levenshtein, optimal string alignment) between short names. */
#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { LONGEST = 63, SHORT = 4 }; /* letters */

static int least(int a, int b) {
    return a < b ? a : b;
}

/* A letter in the place of another. In a short word that makes another word (mae, mse) unless both are vowels (adem,
 * adam). */
static int exchange(int x, int y, size_t length) {
    if (x == y) return 0;
    const bool vowels = strchr("aeiou", x) && strchr("aeiou", y);
    return isdigit(x) || (length <= SHORT && !vowels) ? LONGEST : 1;
}

static int distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST) return LONGEST;
    int row[3][LONGEST + 1];
    int *before = row[0], *last = row[1], *now = row[2];
    for (size_t j = 0; j <= m; j++) last[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        const int left_out = isdigit((unsigned char)a[i - 1]) ? LONGEST : 1; /* Conv1D is not Conv2D */
        now[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            now[j] = least(least(last[j] + left_out, now[j - 1] + 1), last[j - 1] + exchange(x, y, n));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        int *t = before;
        before = last, last = now, now = t;
    }
    return last[m];
}

/* A short name with a letter put before or behind it is another one (adamw, nadam), unless the letter is doubled. */
static bool is_extended(const char *word, const char *name) {
    const size_t n = strlen(name);
    if (n == 0 || n > SHORT || strlen(word) != n + 1) return false;
    return (strncasecmp(word, name, n) == 0 && word[n] != word[n - 1]) ||
           (strcasecmp(word + 1, name) == 0 && word[0] != word[1]);
}

/* How many bytes two names begin with in common. */
static int agreement(const char *a, const char *b) {
    int n = 0;
    while (a[n] && tolower((unsigned char)a[n]) == tolower((unsigned char)b[n])) n++;
    return n;
}

const char *nearest(const char *word, const char *const *names) {
    const char *best = NULL;
    int length = (int)strlen(word), closest = length < 2 ? 0 : length < 8 ? 1 : length / 4;
    for (; *names; names++) {
        int d = is_extended(word, *names) ? LONGEST : distance(word, *names);
        if (d > closest || (best && d == closest && agreement(word, *names) <= agreement(word, best))) continue;
        closest = d, best = *names;
    }
    return best;
}
