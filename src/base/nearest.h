/* "Did you mean": the known name closest to a mistyped one. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

/* The nearest of `names` (NULL-terminated) by edit distance (Damerau-Levenshtein, case folded), or NULL where none is
 * within a quarter of the word, or one mistake; short words that differ by a letter are held for other words. Of
 * several that are as near, the one that begins most alike. */
const char *nearest(const char *word, const char *const *names);

#endif
