/* The folder of journals: finding, listing and removing them. Invariant: the journal of a session that runs is never
 * removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/state.h"
#include "session/journal_internal.h"

enum { MOST = 50 };              /* journals that are kept */
static const off_t ROOM = 200e6; /* bytes in all, but for the newest */
static const char ending[] = ".journal";

struct entry {
    char name[NAME_MAX + 1];
    struct timespec written;
    off_t size;
};

struct list {
    char folder[PATH_MAX];
    struct entry *entry; /* the newest first */
    size_t count;
};

/* ---- names: TITLE-HASH-TIME-PID.journal ------------------------------------------------------------------------------ */

static unsigned long hash_of(const char *notebook) {
    return crc32(0, (const Bytef *)notebook, (uInt)strlen(notebook));
}

enum status journal_new_path(const char *notebook, char *path, size_t size, struct err *e) {
    char name[NAME_MAX + 1], stamp[32], copy[PATH_MAX];
    time_t now = time(NULL);
    struct tm t;
    snprintf(copy, sizeof copy, "%s", *notebook ? notebook : "session");
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &t));
    snprintf(name, sizeof name, "journals/%.100s-%08lx-%s-%ld%s", basename(copy), hash_of(notebook), stamp,
             (long)getpid(), ending);
    return state_path(name, path, size, e);
}

static bool is_journal(const char *name) {
    size_t n = strlen(name), m = sizeof ending - 1;
    return n > m && strcmp(name + n - m, ending) == 0;
}

/* ---- the folder ----------------------------------------------------------------------------------------------------- */

static int by_age(const void *a, const void *b) {
    const struct timespec *x = &((const struct entry *)a)->written, *y = &((const struct entry *)b)->written;
    if (x->tv_sec != y->tv_sec) return x->tv_sec < y->tv_sec ? 1 : -1;
    return (x->tv_nsec < y->tv_nsec) - (x->tv_nsec > y->tv_nsec);
}

static enum status add_entry(struct list *l, int folder, const char *name, struct err *e) {
    struct stat st;
    if (!is_journal(name) || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode)) return OK;
    struct entry *more = mem_realloc(l->entry, sizeof *more * (l->count + 1), e);
    if (!more) return e->status;
    l->entry = more;
    more[l->count] = (struct entry){.written = st.st_mtim, .size = st.st_size};
    snprintf(more[l->count++].name, sizeof more->name, "%s", name);
    return OK;
}

/* No folder is an empty one. */
static enum status list_open(struct list *l, struct err *e) {
    *l = (struct list){0};
    if (state_path("journals", l->folder, sizeof l->folder, e)) return e->status;
    DIR *d = opendir(l->folder);
    if (!d && errno != ENOENT) return err_set(e, ERR_IO, "cannot read '%s': %s", l->folder, strerror(errno));
    for (const struct dirent *f; d && e->status == OK && (f = readdir(d));) add_entry(l, dirfd(d), f->d_name, e);
    if (d) closedir(d);
    if (l->count) qsort(l->entry, l->count, sizeof *l->entry, by_age);
    return e->status;
}

static void list_close(struct list *l) {
    mem_free(l->entry);
}

static bool path_of(const struct list *l, size_t i, char *path) {
    return snprintf(path, PATH_MAX, "%s/%s", l->folder, l->entry[i].name) < PATH_MAX;
}

/* Whether the session that writes it runs: it holds a lock. */
static bool is_running(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool running = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
    if (fd >= 0) close(fd);
    return running;
}

/* ---- checkpoints, in a folder beside their journal -------------------------------------------------------------------- */

void journal_folder_of(const char *path, char *folder, size_t size) {
    int stem = (int)strlen(path) - (int)sizeof ending + 1;
    if (!is_journal(path) || snprintf(folder, size, "%.*s.checkpoints", stem, path) >= (int)size) *folder = 0;
}

/* Bytes of the files in a folder; `remove`: which go, and the folder with them. */
static off_t visit_folder(const char *folder, bool remove) {
    DIR *d = *folder ? opendir(folder) : NULL;
    struct stat st;
    off_t total = 0;
    for (const struct dirent *f; d && (f = readdir(d));) {
        if (fstatat(dirfd(d), f->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode)) continue;
        total += st.st_size;
        if (remove) unlinkat(dirfd(d), f->d_name, 0);
    }
    if (d) closedir(d);
    if (d && remove) rmdir(folder);
    return total;
}

void journal_remove_folder(const char *folder) {
    visit_folder(folder, true);
}

void journal_prune(void) {
    struct list l;
    struct err e = {0};
    char path[PATH_MAX], folder[PATH_MAX];
    off_t total = 0;
    if (list_open(&l, &e)) l.count = 0;
    for (size_t i = 0; i < l.count; i++) {
        if (!path_of(&l, i, path)) continue;
        journal_folder_of(path, folder, sizeof folder);
        total += l.entry[i].size + visit_folder(folder, false);
        if (i == 0 || (i < MOST && total <= ROOM) || is_running(path)) continue;
        journal_remove_folder(folder);
        unlink(path);
    }
    list_close(&l);
}

/* ---- what they hold ------------------------------------------------------------------------------------------------- */

static void info_begin(void *arg, const struct journal_cell *c) {
    struct journal_info *info = arg;
    info->runs = c->run;
    info->interrupted[0] = 0;
    if (c->number > info->next) info->next = c->number;
}

static void info_end(void *arg, const struct journal_cell *c, const struct session_result *r) {
    struct journal_info *info = arg;
    bool cell = c->number > 0;
    if (r && r->status == OK) {
        if (cell && info->next == c->number) info->next++;
    } else if (!r && !*info->interrupted) {
        snprintf(info->interrupted, sizeof info->interrupted, "%s", c->name);
        if (cell) info->next = c->number;
    }
}

enum status journal_read_info(const char *path, struct journal_info *out, struct err *e) {
    struct journal_player player = {.begin = info_begin, .end = info_end, .arg = out};
    struct stat st;
    *out = (struct journal_info){.next = 1};
    snprintf(out->path, sizeof out->path, "%s", path);
    journal_folder_of(path, out->checkpoints, sizeof out->checkpoints);
    if (journal_play_info(path, &player, out, e)) return e->status;
    out->running = is_running(path);
    if (stat(path, &st) == 0) out->last = st.st_mtime;
    return OK;
}

enum status journal_each(void (*fn)(void *arg, const struct journal_info *i), void *arg, struct err *e) {
    struct list l;
    struct journal_info info;
    char path[PATH_MAX];
    if (list_open(&l, e) == OK) {
        for (size_t i = 0; i < l.count; i++) {
            struct err unreadable = {0};
            if (path_of(&l, i, path) && journal_read_info(path, &info, &unreadable) == OK) fn(arg, &info);
        }
    }
    list_close(&l);
    return e->status;
}

/* Whether the name says that it is this notebook's, before the file is read. */
static bool fits(const char *name, const char *notebook) {
    char hash[16];
    snprintf(hash, sizeof hash, "-%08lx-", hash_of(notebook));
    return strstr(name, hash) != NULL;
}

bool journal_find_last(const char *notebook, struct journal_info *out) {
    struct list l;
    struct err e = {0};
    char path[PATH_MAX];
    bool found = false;
    if (list_open(&l, &e)) l.count = 0;
    for (size_t i = 0; i < l.count && !found; i++) {
        if ((notebook && !fits(l.entry[i].name, notebook)) || !path_of(&l, i, path)) continue;
        e = (struct err){0};
        found = journal_read_info(path, out, &e) == OK && !out->running &&
                (!notebook || strcmp(out->notebook, notebook) == 0);
    }
    list_close(&l);
    return found;
}

enum status journal_give_up(const char *path, struct err *e) {
    char folder[PATH_MAX];
    struct journal_file *f;
    if (journal_file_continue(path, &f, e)) return e->status;
    journal_file_put(f, JOURNAL_CLOSED, NULL, "{}\n", 3, e);
    journal_file_close(f);
    journal_folder_of(path, folder, sizeof folder);
    journal_remove_folder(folder);
    return e->status;
}
