/* How a cell shows a value: as one would type it. A table stands on one line where it fits, else its items stand below one
 * another. Invariant: the output is bounded, whatever the table, and the same table shows the same each time. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bind/bind.h"
#include "cell/name.h"
#include "session/internal.h"

enum { MAX_DEPTH = 6, MAX_ITEMS = 100, MAX_ALL = 1000, MAX_KEYS = 5000, MAX_STRING = 2000, WIDTH = 79, INDENT = 2 };

struct inspector {
    lua_State *L;
    struct buf *out;
    const void *path[MAX_DEPTH]; /* tables that are being shown, outermost first */
    int depth, items;            /* in all */
    size_t line;                 /* where the line that is written now begins */
    bool flat, overflow;         /* trying a table on one line; it does not fit */
};

static void put_value(struct inspector *in, int index);

/* ---- strings and keys ---------------------------------------------------------------------------------------------- */

static void put_quoted(const char *s, size_t n, struct buf *out) {
    buf_putc(out, '"');
    for (size_t i = 0; i < n && i < MAX_STRING; i++) {
        unsigned char c = (unsigned char)s[i];
        const char *escaped = c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : NULL;
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (escaped)
            buf_puts(out, escaped);
        else if (c < 32 || c == 127)
            buf_printf(out, "\\%03d", c);
        else
            buf_putc(out, (char)c);
    }
    buf_putc(out, '"');
    if (n > MAX_STRING) buf_printf(out, "... (%zu bytes)", n);
}

static bool is_name(const char *s, size_t n) {
    if (n == 0 || cell_is_digit(s[0])) return false;
    for (size_t i = 0; i < n; i++)
        if (!cell_is_name(s[i])) return false;
    return true;
}

static void put_key(struct inspector *in, int index) {
    size_t n;
    const char *s = lua_type(in->L, index) == LUA_TSTRING ? lua_tolstring(in->L, index, &n) : NULL;
    if (s && is_name(s, n)) {
        buf_put(in->out, s, n);
    } else {
        buf_putc(in->out, '[');
        put_value(in, index);
        buf_putc(in->out, ']');
    }
    buf_puts(in->out, " = ");
}

/* ---- order --------------------------------------------------------------------------------------------------------- */

struct key {
    int rank; /* names first, then numbers, then the rest as it comes */
    lua_Number number;
    const char *text;
    int index; /* in the list of keys */
};

static int compare_keys(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    if (x->rank != y->rank) return x->rank - y->rank;
    int order = x->rank == 0   ? strcmp(x->text, y->text)
                : x->rank == 1 ? (x->number > y->number) - (x->number < y->number)
                               : 0;
    return order ? order : x->index - y->index;
}

/* Pushes a list of the keys beyond the array's, and their order. Returns how many there are; beyond MAX_KEYS they are
 * counted alone. */
static lua_Integer push_keys(lua_State *L, int index, lua_Integer length, struct key **order) {
    lua_Integer n = 0;
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1 && lua_tointeger(L, -1) <= length) continue;
        if (++n > MAX_KEYS) continue;
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, n);
    }
    lua_Integer kept = n < MAX_KEYS ? n : MAX_KEYS;
    *order = lua_newuserdatauv(L, sizeof **order * (size_t)(kept + 1), 0);
    for (int i = 0; i < kept; i++) {
        int type = lua_rawgeti(L, -2, i + 1);
        struct key k = {type == LUA_TSTRING ? 0 : type == LUA_TNUMBER ? 1 : 2, 0, NULL, i + 1};
        if (k.rank == 0) k.text = lua_tostring(L, -1);
        if (k.rank == 1) k.number = lua_tonumber(L, -1);
        (*order)[i] = k;
        lua_pop(L, 1);
    }
    qsort(*order, (size_t)kept, sizeof **order, compare_keys);
    return n;
}

/* ---- tables -------------------------------------------------------------------------------------------------------- */

static void new_line(struct inspector *in) {
    buf_putc(in->out, '\n');
    in->line = in->out->len;
    buf_printf(in->out, "%*s", INDENT * in->depth, "");
}

/* Before an item that is not the first; on one line, all of it is given up where it does not fit. */
static bool begin_item(struct inspector *in, int shown, bool wrap) {
    if (shown == MAX_ITEMS || in->items >= MAX_ALL || in->overflow) return false;
    if (shown) buf_putc(in->out, ',');
    if (!in->flat && !(wrap && shown))
        new_line(in);
    else if (shown)
        buf_putc(in->out, ' ');
    in->items++;
    return true;
}

/* An item of a wrapped list goes on if it fits, else to the next line. */
static void wrap_item(struct inspector *in, size_t item) {
    struct buf *out = in->out;
    if (out->len - in->line <= WIDTH || out->failed) return;
    size_t pad = (size_t)INDENT * (size_t)in->depth, n = out->len - item;
    char *room = buf_room(out, pad);
    if (!room) return;
    memmove(out->data + item + pad, out->data + item, n);
    memset(out->data + item, ' ', pad);
    out->data[item - 1] = '\n';
    out->len += pad;
    out->data[out->len] = 0;
    in->line = item;
}

/* Numbers, booleans and short strings alone: a list of them reads better wrapped than one below the other. */
static bool is_plain_list(lua_State *L, int index, lua_Integer length) {
    for (lua_Integer i = 1; i <= length && i <= MAX_ITEMS; i++) {
        int type = lua_rawgeti(L, index, i);
        bool plain =
            type == LUA_TNUMBER || type == LUA_TBOOLEAN || (type == LUA_TSTRING && lua_rawlen(L, -1) < WIDTH / 4);
        lua_pop(L, 1);
        if (!plain) return false;
    }
    return true;
}

static int put_list(struct inspector *in, int index, lua_Integer length, bool wrap) {
    int shown = 0;
    for (; shown < length && begin_item(in, shown, wrap); shown++) {
        size_t item = in->out->len;
        lua_rawgeti(in->L, index, shown + 1);
        put_value(in, lua_gettop(in->L));
        lua_pop(in->L, 1);
        if (wrap && shown && !in->flat) wrap_item(in, item);
    }
    return shown;
}

static void put_items(struct inspector *in, int index) {
    lua_State *L = in->L;
    struct key *order;
    lua_Integer length = (lua_Integer)lua_rawlen(L, index), keys = push_keys(L, index, length, &order);
    int list = lua_gettop(L) - 1;
    int shown = put_list(in, index, length, !keys && is_plain_list(L, index, length));
    for (int i = 0; i < keys && i < MAX_KEYS && shown == length + i && begin_item(in, shown, false); i++, shown++) {
        lua_rawgeti(L, list, order[i].index);
        put_key(in, lua_gettop(L));
        lua_rawget(L, index);
        put_value(in, lua_gettop(L));
        lua_pop(L, 1);
    }
    if (length + keys > shown) buf_printf(in->out, ", ... %lld more", (long long)(length + keys - shown));
    if (in->out->len - in->line > WIDTH - 1) in->overflow = in->flat;
    lua_settop(L, list - 1);
}

static void put_laid_out(struct inspector *in, int index) {
    buf_putc(in->out, '{');
    in->depth++;
    put_items(in, index);
    in->depth--;
    if (!in->flat) new_line(in);
    buf_putc(in->out, '}');
}

/* On one line if that fits, else over several. */
static void put_table(struct inspector *in, int index) {
    const void *self = lua_topointer(in->L, index);
    size_t start = in->out->len, line = in->line;
    int items = in->items;
    for (int i = 0; i < in->depth; i++)
        if (in->path[i] == self) {
            buf_puts(in->out, "<cycle>");
            return;
        }
    if (in->depth == MAX_DEPTH) {
        buf_puts(in->out, "{...}");
        return;
    }
    in->path[in->depth] = self;
    bool outermost = !in->flat;
    in->flat = true;
    put_laid_out(in, index);
    if (!outermost) return;
    in->flat = false;
    if (!in->overflow) return;
    in->overflow = false;
    in->items = items;
    in->line = line;
    in->out->len = start;
    put_laid_out(in, index);
}

/* ---- values -------------------------------------------------------------------------------------------------------- */

static bool has_text(lua_State *L, int index) {
    static const char *const event[] = {"__tostring", "__name"};
    for (int i = 0; i < 2; i++)
        if (luaL_getmetafield(L, index, event[i]) != LUA_TNIL) {
            lua_pop(L, 1);
            return true;
        }
    return false;
}

/* "[]" says nothing of the other axes: NumPy's repr adds the shape, its str does not. */
static void put_empty_shape(lua_State *L, int index, struct buf *out) {
    const struct tensor *t = bind_tensor_at(L, index);
    char shape[256];
    if (t && !tensor_is_symbolic(t) && tensor_size(t) == 0 && t->shape.rank > 1)
        buf_printf(out, " shape=%s", shape_text(&t->shape, shape, sizeof shape));
}

/* The columns from the line's begin on; of UTF-8's bytes the first alone has one. */
static int column(const struct inspector *in) {
    int n = 0;
    for (size_t i = in->line; i < in->out->len; i++) n += ((unsigned char)in->out->data[i] & 0xC0) != 0x80;
    return n;
}

/* Each line begins where the first one does; a table with several in it stands over several itself. */
static void put_lines(struct inspector *in, const char *s, size_t n) {
    const int indent = column(in);
    const char *end;
    while ((end = memchr(s, '\n', n)) != NULL) {
        const size_t length = (size_t)(end - s) + 1;
        buf_put(in->out, s, length);
        in->line = in->out->len;
        if (length < n && end[1] != '\n') buf_printf(in->out, "%*s", indent, "");
        in->overflow = in->flat;
        s += length, n -= length;
    }
    buf_put(in->out, s, n);
}

static void put_value(struct inspector *in, int index) {
    lua_State *L = in->L;
    size_t n;
    luaL_checkstack(L, 16, "value nested too deeply");
    int type = lua_type(L, index);
    if (type == LUA_TTABLE && !has_text(L, index)) {
        put_table(in, index);
    } else if (type == LUA_TSTRING) {
        const char *s = lua_tolstring(L, index, &n);
        put_quoted(s, n, in->out);
    } else {
        const char *s = luaL_tolstring(L, index, &n);
        put_lines(in, s, n);
        lua_pop(L, 1);
        put_empty_shape(L, index, in->out);
    }
    if (in->flat && in->out->len - in->line > WIDTH) in->overflow = true;
}

void session_inspect(lua_State *L, int index, struct buf *out) {
    const char *last = out->len ? memrchr(out->data, '\n', out->len) : NULL;
    struct inspector in = {.L = L, .out = out, .line = last ? (size_t)(last + 1 - out->data) : 0};
    put_value(&in, lua_absindex(L, index));
}
