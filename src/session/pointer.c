/* What a runtime error is about: the expression in the line that raised it, marked below, and for a name that is nil the one
 * that was perhaps meant. Both come from Lua's message ("... (field 'aranga')") or from the function that the line called. */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cell/lua.h"
#include "cell/name.h"
#include "session/internal.h"

/* The expression as Lua names it. */
struct subject {
    char kind[16], name[64]; /* "global", "print" */
    bool nil;                /* it was nil where it must not be */
};

/* The user's innermost frame with its text, which is on the stack, and the tokens of its line. */
struct line {
    lua_Debug frame;
    const char *text;
    size_t size;
    struct cell_lua lua;
};

/* ---- the subject ----------------------------------------------------------------------------------------------------- */

/* From "attempt to call a nil value (global 'prnt')", or "tensor has no 'aranga'". */
static bool read_message(const char *message, struct subject *s) {
    const char *open = strrchr(message, '('), *no = strstr(message, " has no '");
    if (no && sscanf(no, " has no '%63[^']'", s->name) == 1) {
        snprintf(s->kind, sizeof s->kind, "field");
        return true;
    }
    s->nil = strstr(message, " a nil value (") != NULL;
    return strstr(message, ": attempt to ") && open && sscanf(open, "(%15s '%63[^']')", s->kind, s->name) == 2;
}

/* The user's innermost frame; what it called, if not Lua's own code raised the error. */
static bool find_frame(lua_State *L, lua_Debug *frame, struct subject *called) {
    for (int level = 1; lua_getstack(L, level, frame); level++) {
        lua_getinfo(L, "Sln", frame);
        if (session_is_users(frame)) return true;
        snprintf(called->kind, sizeof called->kind, "%s", frame->namewhat);
        snprintf(called->name, sizeof called->name, "%s", frame->name ? frame->name : "");
    }
    return false;
}

/* An error that the user raises says itself what it is about. */
static bool is_raised(const struct subject *called) {
    return strcmp(called->name, "error") == 0 || strcmp(called->name, "assert") == 0;
}

static bool is_event(const struct subject *s) {
    return strcmp(s->kind, "metamethod") == 0;
}

/* ---- its place ------------------------------------------------------------------------------------------------------- */

static bool is(const struct line *l, size_t i, const char *text) {
    const struct cell_span s = l->lua.tokens[i].span;
    return s.end - s.begin == strlen(text) && memcmp(l->text + s.begin, text, s.end - s.begin) == 0;
}

static bool is_field(const struct line *l, size_t i) {
    return i > 0 && (is(l, i - 1, ".") || is(l, i - 1, ":"));
}

/* Lua compares a > b as b < a. */
static bool is_operator(const struct line *l, size_t i, const char *event) {
    static const char *const operators[][2] = {
        {"add", "+"},     {"sub", "-"},   {"mul", "*"},   {"div", "/"},  {"mod", "%"},  {"pow", "^"},
        {"unm", "-"},     {"idiv", "//"}, {"eq", "=="},   {"lt", "<"},   {"lt", ">"},   {"le", "<="},
        {"le", ">="},     {"band", "&"},  {"bor", "|"},   {"bxor", "~"}, {"bnot", "~"}, {"shl", "<<"},
        {"concat", ".."}, {"shr", ">>"},  {"index", "["}, {"len", "#"}};
    if (l->lua.tokens[i].kind != CELL_TOKEN_OPERATOR) return false;
    for (size_t k = 0; k < sizeof operators / sizeof *operators; k++)
        if (strcmp(operators[k][0], event) == 0 && is(l, i, operators[k][1])) return true;
    return false;
}

/* Whether a list of assignments may stand before token i on its line: which of them failed cannot be told. */
static bool is_listed(const struct line *l, size_t i) {
    int depth = 0;
    for (size_t k = i; k-- > 0 && l->lua.tokens[k].line == l->lua.tokens[i].line;) {
        depth += cell_lua_bracket(&l->lua, l->text, k);
        if (depth == 0 && is(l, k, ",")) return true;
    }
    return false;
}

/* Whether it begins what is assigned to: the field in `x.y = `, the bracket in `x[i] = `. */
static bool is_set(const struct line *l, size_t i) {
    const size_t n = l->lua.token_count;
    size_t end = i;
    if (is(l, i, "[") && i > 0 &&
        (l->lua.tokens[i - 1].kind == CELL_TOKEN_NAME || is(l, i - 1, "]") || is(l, i - 1, ")"))) {
        for (int depth = 1; depth > 0 && ++end < n;) depth += cell_lua_bracket(&l->lua, l->text, end);
    } else if (l->lua.tokens[i].kind != CELL_TOKEN_NAME || !is_field(l, i)) {
        return false;
    }
    return end + 1 < n && is(l, end + 1, "=") && !is_listed(l, i);
}

static bool fits(const struct line *l, size_t i, const struct subject *s) {
    if (is_event(s)) return strcmp(s->name, "newindex") == 0 ? is_set(l, i) : is_operator(l, i, s->name);
    const bool field = strcmp(s->kind, "field") == 0 || strcmp(s->kind, "method") == 0;
    return l->lua.tokens[i].kind == CELL_TOKEN_NAME && is(l, i, s->name) && is_field(l, i) == field;
}

/* The one token of the line that the subject can be; false where there are several. */
static bool find_token(const struct line *l, const struct subject *s, size_t *at) {
    int found = 0;
    for (size_t i = 0; i < l->lua.token_count; i++) {
        if (l->lua.tokens[i].line != l->frame.currentline || !fits(l, i, s)) continue;
        *at = i;
        found++;
    }
    return found == 1;
}

/* Where the dotted name begins that ends in token i. */
static size_t chain_begin(const struct line *l, size_t i) {
    while (is_field(l, i) && i >= 2 && l->lua.tokens[i - 2].kind == CELL_TOKEN_NAME) i -= 2;
    return i;
}

/* ---- the name that was meant ----------------------------------------------------------------------------------------- */

struct suggestion {
    const char *wrong;
    char best[64];
};

static void consider(void *arg, const struct session_candidate *c) {
    struct suggestion *s = arg;
    const char *const both[] = {*s->best ? s->best : c->word, c->word, NULL};
    const char *near = nearest(s->wrong, both);
    if (near && near != s->best && strcmp(near, s->wrong) != 0) snprintf(s->best, sizeof s->best, "%s", near);
}

/* The frame's locals and upvalues. */
static void consider_variables(lua_State *L, lua_Debug *frame, struct suggestion *s) {
    struct session_candidate c = {0};
    for (int i = 1; (c.word = lua_getlocal(L, frame, i)); i++) {
        if (*c.word != '(') consider(s, &c);
        lua_pop(L, 1);
    }
    lua_getinfo(L, "f", frame);
    for (int i = 1; (c.word = lua_getupvalue(L, -1, i)); i++) {
        consider(s, &c);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* Pushes the value of a variable of the frame. */
static bool push_local(lua_State *L, lua_Debug *frame, const char *name, size_t n) {
    bool found = false;
    const char *local;
    for (int i = 1; (local = lua_getlocal(L, frame, i)); i++) {
        const bool same = strlen(local) == n && memcmp(local, name, n) == 0;
        if (same && found) lua_remove(L, -2);
        if (!same) lua_pop(L, 1);
        found = found || same;
    }
    return found;
}

/* Pushes what the field is looked for in: `a.b` of `a.b.c`. */
static void push_owner(lua_State *L, struct line *l, size_t at) {
    const size_t first = chain_begin(l, at);
    const struct cell_span root = l->lua.tokens[first].span, last = l->lua.tokens[at - 2].span;
    const char *path = l->text + root.begin;
    if (push_local(L, &l->frame, path, root.end - root.begin)) {
        if (first + 2 == at) return;
        lua_pop(L, 1); /* a field of a variable's field: not looked for */
        lua_pushnil(L);
        return;
    }
    session_push_path(L, path, last.end - root.begin);
}

static void suggest(lua_State *L, struct line *l, const struct subject *s, size_t at, struct buf *message) {
    struct suggestion found = {.wrong = s->name};
    struct completion c = {.add = consider, .arg = &found, .word = ""};
    if (!s->nil) return;
    if (strcmp(s->kind, "global") == 0) {
        consider_variables(L, &l->frame, &found);
        session_offer_names(L, &c);
    } else if (at != SIZE_MAX && is_field(l, at) && at >= 2 && l->lua.tokens[at - 2].kind == CELL_TOKEN_NAME) {
        push_owner(L, l, at);
        session_offer_members(L, &c);
    }
    if (*found.best) buf_printf(message, "; did you mean '%s'?", found.best);
}

/* The first step of the dotted name that leads nowhere, in [begin, end). */
static bool find_wrong_step(lua_State *L, const char *path, struct cell_span *step) {
    for (step->begin = 0;; step->begin = step->end + 1) {
        for (step->end = step->begin; cell_is_name(path[step->end]);) step->end++;
        if (step->end == step->begin || !memchr(".:", path[step->end], sizeof ".:")) return false;
        session_push_path(L, path, step->end);
        const bool missing = lua_isnil(L, -1);
        lua_pop(L, 1);
        if (missing || !path[step->end]) return missing;
    }
}

int session_meant(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    struct suggestion found = {.best = ""};
    struct completion c = {.add = consider, .arg = &found, .word = ""};
    struct cell_span step;
    if (!find_wrong_step(L, path, &step)) return 0;
    found.wrong = lua_pushlstring(L, path + step.begin, step.end - step.begin);
    if (step.begin == 0) {
        session_offer_names(L, &c);
    } else {
        session_push_path(L, path, step.begin - 1);
        session_offer_members(L, &c);
    }
    if (!*found.best) return 0;
    lua_pushlstring(L, path, step.begin);
    lua_pushstring(L, found.best);
    lua_concat(L, 2);
    return 1;
}

/* ---- both ------------------------------------------------------------------------------------------------------------ */

void session_put_mark(const char *source, size_t n, int number, int column, size_t length, struct buf *out) {
    enum { LONGEST = 200 };
    struct cell_span line = session_find_line(source, n, number);
    if (column < 1 || line.end == line.begin || line.end - line.begin > LONGEST) return;
    const size_t begin = line.begin + (size_t)column - 1;
    buf_puts(out, "  ");
    buf_put(out, source + line.begin, line.end - line.begin);
    buf_puts(out, "\n  ");
    for (size_t i = line.begin; i < begin + length && (i < line.end || i == begin); i++) {
        const bool continues = i < n && ((unsigned char)source[i] & 0xC0) == 0x80; /* within a UTF-8 character */
        if (!continues) buf_putc(out, i >= begin ? '^' : source[i] == '\t' ? '\t' : ' ');
    }
    buf_putc(out, '\n');
}

static void point(const struct line *l, size_t at, bool operator, struct buf * out) {
    const struct cell_span whole = session_find_line(l->text, l->size, l->frame.currentline);
    const size_t first = operator? at : chain_begin(l, at);
    const size_t begin = l->lua.tokens[first].span.begin, end = l->lua.tokens[at].span.end;
    if (begin < whole.begin) return; /* it began on a line above */
    session_put_mark(l->text, l->size, l->frame.currentline, (int)(begin - whole.begin) + 1, end - begin, out);
}

/* Whether what was called above ends here, `x:abs()`: a name may as well end a declaration. Parameters end so, too, behind
 * `function` on their line. */
static bool ends_call(const struct line *l, const struct cell_token *end) {
    if (l->text[end->span.begin] != ')' || end->kind != CELL_TOKEN_OPERATOR) return false;
    for (size_t i = 0; i < l->lua.token_count && &l->lua.tokens[i] < end; i++)
        if (l->lua.tokens[i].line == end->line && is(l, i, "function")) return false;
    return true;
}

/* Whether the line begins with a bracket that calls what ends the line above, which in Python would be two statements. */
static bool calls_line_above(const struct line *l) {
    const struct cell_token *before = NULL;
    for (size_t i = 0; i < l->lua.token_count; i++) {
        const struct cell_token *t = &l->lua.tokens[i];
        if (t->kind == CELL_TOKEN_COMMENT) continue;
        if (t->line >= l->frame.currentline)
            return t->line == l->frame.currentline && is(l, i, "(") && before && ends_call(l, before);
        before = t;
    }
    return false;
}

/* Marks what the subject is, or else the operator that `called` stands for; and looks for what it was meant to be. */
static void explain_subject(lua_State *L, struct line *l, const struct subject *subject, const struct subject *called,
                            struct buf *message, struct buf *mark) {
    size_t at, other;
    if (!find_token(l, subject, &at)) at = SIZE_MAX;
    if (at != SIZE_MAX)
        point(l, at, is_event(subject), mark);
    else if (is_event(called) && find_token(l, called, &other))
        point(l, other, true, mark);
    suggest(L, l, subject, at, message);
}

void session_explain(lua_State *L, struct buf *message, struct buf *mark) {
    const int top = lua_gettop(L);
    struct line l = {.text = NULL};
    struct subject subject = {.nil = false}, called = {.nil = false};
    struct err e = {0};
    if (!lua_checkstack(L, 40) || !find_frame(L, &l.frame, &called) || is_raised(&called)) return;
    if (!read_message(buf_text(message), &subject)) subject = called;
    if (session_push_source(L, l.frame.source, l.frame.currentline)) {
        l.text = lua_tolstring(L, -1, &l.size);
        cell_lua_parse(l.text, l.size, &l.lua, &e);
    }
    if (*subject.name) explain_subject(L, &l, &subject, &called, message, mark);
    if (calls_line_above(&l))
        buf_puts(message, "; this line's first bracket calls what ends the line above: a ; before it keeps them apart");
    cell_lua_free(&l.lua);
    lua_settop(L, top);
}
