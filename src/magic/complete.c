/* What may stand as a magic's argument. Its usage line says it: lower-case words and options stand for themselves, N for a
 * cell's number, MAGIC for a magic's name, FILE and FOLDER for a path, DEVICE for a device. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cell/notebook.h"
#include "magic/magic.h"

struct completion {
    struct session *session;
    const struct magic_notebook *nb;
    void (*add)(void *arg, const char *word, const char *note);
    void *arg;
    bool numbered, paths;
};

static void add_cells(struct completion *c) {
    for (int n = 1, count = c->nb && c->nb->notebook && !c->numbered ? c->nb->count : 0; n <= count; n++) {
        const struct cell *cell = &c->nb->notebook->cells[magic_cell_index(c->nb, n)];
        const char *text = *cell->title ? cell->title : cell->source;
        char number[16], note[64];
        snprintf(number, sizeof number, "%d", n);
        snprintf(note, sizeof note, "%.*s", (int)strcspn(text, "\n"), text);
        c->add(c->arg, number, note);
    }
    c->numbered = true;
}

static bool stands_for_itself(const char *word) {
    for (; *word; word++)
        if (!islower((unsigned char)*word) && *word != '-') return false;
    return true;
}

static void add_magic(void *arg, const struct magic *m) {
    struct completion *c = arg;
    c->add(c->arg, m->name, "");
}

static void add_word(struct completion *c, const char *word) {
    if (stands_for_itself(word)) {
        if (strspn(word, "-") < strlen(word)) c->add(c->arg, word, "");
    } else if (*word == 'N' && (!word[1] || word[1] == '-')) {
        add_cells(c);
    } else if (strcmp(word, "MAGIC") == 0) {
        magic_each(c->session, add_magic, c);
    } else if (strcmp(word, "DEVICE") == 0) {
        for (const char *const *d = magic_device_names; *d; d++) c->add(c->arg, *d, "");
    } else if (strstr(word, "FILE") || strstr(word, "FOLDER") || strstr(word, ".cells")) {
        c->paths = true;
    }
}

enum magic_arguments magic_complete(struct session *s, const struct magic_notebook *nb, const char *name, size_t n,
                                    void (*add)(void *arg, const char *word, const char *note), void *arg) {
    struct completion c = {.session = s, .nb = nb, .add = add, .arg = arg};
    struct magic m;
    struct err e = {0};
    char word[64];
    if (magic_find(s, name, n, &m, &e)) return MAGIC_TAKES_LUA;
    c.numbered = !m.needs_notebook; /* N is the number of something else */
    const char *at = m.usage + strcspn(m.usage, " ");
    while (*(at += strspn(at, " []|,")) && *at) {
        const size_t length = strcspn(at, " []|,=");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        add_word(&c, word);
        at += length + (at[length] == '=');
    }
    return c.paths ? MAGIC_TAKES_PATHS : MAGIC_TAKES_LUA;
}
