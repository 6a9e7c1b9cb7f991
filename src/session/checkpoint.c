/* When checkpoints are written: lua/celda/checkpoint.lua does it. Invariant: they take no more than a hundredth of the
 * time. */
#include "session/checkpoint.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/state.h"
#include "base/wrap.h"
#include "session/internal.h"

enum { SECONDS = 60, SHARE = 100 };

struct checkpoint {
    char folder[PATH_MAX];
    double interval; /* seconds; 0: none of themselves */
    double next;     /* not before this time */
    bool writing;    /* the last one may not be on the disk yet */
    bool told;       /* of what went wrong, and nothing went right since */
};

/* A folder of this session's own. */
static enum status own_folder(char *path, size_t size, struct err *e) {
    char name[80];
    snprintf(name, sizeof name, "checkpoints/%lld-%ld", (long long)time(NULL), (long)getpid());
    return state_path(name, path, size, e);
}

enum status session_checkpoint_start(struct session *s, const char *folder, struct err *e) {
    char own[PATH_MAX];
    if (!folder && own_folder(own, sizeof own, e)) return e->status;
    if (!folder) folder = own;
    if (strlen(folder) >= sizeof own) return err_set(e, ERR_IO, "the path of a folder is too long: %.60s...", folder);
    if (!s->checkpoint) s->checkpoint = mem_zalloc(sizeof *s->checkpoint, e);
    if (!s->checkpoint) return e->status;
    snprintf(s->checkpoint->folder, sizeof s->checkpoint->folder, "%s", folder);
    session_checkpoint_every(s, SECONDS);
    return OK;
}

const char *session_checkpoint_folder(const struct session *s) {
    return s->checkpoint ? s->checkpoint->folder : "";
}

void session_checkpoint_every(struct session *s, double seconds) {
    if (!s->checkpoint) return;
    s->checkpoint->interval = seconds;
    s->checkpoint->next = clock_now() + seconds;
}

double session_checkpoint_interval(const struct session *s) {
    return s->checkpoint ? s->checkpoint->interval : 0;
}

void session_forget_checkpoints(struct session *s) {
    mem_free(s->checkpoint);
    s->checkpoint = NULL;
}

static enum status call(struct session *s, const char *name, const char *folder, int results, struct err *e) {
    return session_call(s, &(struct session_call){"celda.checkpoint", name, folder, false}, results, e);
}

/* Begins to write one; leaves the list of what could not be saved. */
static enum status begin(struct session *s, struct err *e) {
    struct checkpoint *c = s->checkpoint;
    double began = clock_now(), end;
    if (mkdir(c->folder, 0700) && errno != EEXIST)
        return err_set(e, ERR_IO, "cannot make the folder '%s': %s", c->folder, strerror(errno));
    call(s, "begin", c->folder, 1, e);
    end = clock_now();
    c->next = end + (c->interval > SHARE * (end - began) ? c->interval : SHARE * (end - began));
    c->writing = e->status == OK;
    return e->status;
}

static void tell(struct session *s, const struct err *e) {
    char line[sizeof e->text + 40];
    s->checkpoint->writing = false;
    if (s->checkpoint->told || e->status == ERR_CANCELLED) return;
    s->checkpoint->told = true;
    int n = snprintf(line, sizeof line, "no checkpoint was written: %s\n", e->text);
    wrap_to(s->sink, SINK_STATUS, line, (size_t)n);
}

void session_checkpoint_tick(struct session *s) {
    struct checkpoint *c = s->checkpoint;
    struct err e = {0};
    if (!c) return;
    if (c->writing && call(s, "busy", NULL, 1, &e) == OK) {
        c->writing = lua_toboolean(s->L, -1);
        c->told = false;
        lua_pop(s->L, 1);
    }
    if (e.status) tell(s, &e);
    if (c->writing || c->interval <= 0 || clock_now() < c->next) return;
    e = (struct err){0};
    if (begin(s, &e) == OK)
        lua_pop(s->L, 1);
    else
        tell(s, &e);
}

enum status session_checkpoint_now(struct session *s, struct buf *report, struct err *e) {
    lua_State *L = s->L;
    int top = lua_gettop(L);
    if (!s->checkpoint) session_checkpoint_start(s, NULL, e);
    if (!s->checkpoint) return e->status;
    if (begin(s, e) == OK && call(s, "finish", NULL, 0, e) == OK) {
        buf_printf(report, "checkpoint written to %s\n", s->checkpoint->folder);
        session_report_list(L, top + 1, "not saved:\n", report);
        buf_status(report, e);
        s->checkpoint->told = false;
    }
    s->checkpoint->writing = false;
    lua_settop(L, top);
    return e->status;
}

enum status session_checkpoint_load(struct session *s, const char *folder, struct buf *report, struct err *e) {
    lua_State *L = s->L;
    int top = lua_gettop(L);
    if (session_report_room(report, e) != OK || call(s, "load", folder, 5, e)) return e->status;
    session_report_loaded(L, top + 1, folder, report);
    s->runs = (int)lua_tointeger(L, top + 5);
    lua_settop(L, top);
    return OK;
}
