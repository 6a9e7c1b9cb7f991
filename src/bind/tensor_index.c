/* x[3], x["2, :, ::-1"], x[mask], x[rows], and assignment through them. Indices are 1-based, ranges include both ends,
 * negative numbers count from the end. A range or index outside is an error, never cut off. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bind/internal.h"
#include "op/ops.h"

enum item_kind { ITEM_INDEX, ITEM_RANGE, ITEM_NEW };

struct item {
    enum item_kind kind;
    int64_t start, stop, step;
    bool has_start, has_stop;
};

struct index {
    lua_State *L;
    const char *text; /* the whole, for errors */
    const char *at;   /* what is left to read */
    const struct shape *shape;
    struct item item[2 * TENSOR_MAX_RANK];
    int n, ellipsis; /* where "..." stands, -1: nowhere */
};

bool bind_is_index(const char *text) {
    while (*text == ' ') text++;
    return (*text && strchr("0123456789+-:.", *text)) || strncmp(text, "newaxis", 7) == 0;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static void malformed(const struct index *x) {
    bind_raise(x->L, ERR_INDEX,
               "cannot read the index \"%s\": it is made of integers, ranges start:stop:step, ... and newaxis, "
               "separated by commas",
               x->text);
}

static void skip_blanks(struct index *x) {
    while (isspace((unsigned char)*x->at)) x->at++;
}

static bool read_word(struct index *x, const char *word) {
    size_t n = strlen(word);
    if (strncmp(x->at, word, n) != 0) return false;
    x->at += n;
    return true;
}

static bool read_integer(struct index *x, int64_t *out) {
    char *end;
    skip_blanks(x);
    if (!*x->at || !strchr("0123456789+-", *x->at)) return false;
    *out = strtoll(x->at, &end, 10);
    if (end == x->at) malformed(x);
    x->at = end;
    skip_blanks(x);
    return true;
}

static struct item *new_item(struct index *x, enum item_kind kind) {
    if (x->n == 2 * TENSOR_MAX_RANK) bind_raise(x->L, ERR_INDEX, "the index \"%s\" is too long", x->text);
    struct item *i = &x->item[x->n++];
    *i = (struct item){.kind = kind, .step = 1};
    return i;
}

static void read_item(struct index *x) {
    skip_blanks(x);
    if (read_word(x, "...")) {
        if (x->ellipsis >= 0) bind_raise(x->L, ERR_INDEX, "the index \"%s\" has more than one ...", x->text);
        x->ellipsis = x->n;
        return;
    }
    if (read_word(x, "newaxis")) {
        new_item(x, ITEM_NEW);
        return;
    }
    struct item *i = new_item(x, ITEM_INDEX);
    i->has_start = read_integer(x, &i->start);
    if (*x->at != ':') {
        if (!i->has_start) malformed(x);
        return;
    }
    x->at++;
    i->kind = ITEM_RANGE;
    i->has_stop = read_integer(x, &i->stop);
    if (*x->at == ':') {
        x->at++;
        if (read_integer(x, &i->step) && i->step == 0)
            bind_raise(x->L, ERR_INDEX, "the index \"%s\" has a step of 0", x->text);
    }
}

static void read_index(struct index *x) {
    do {
        read_item(x);
        skip_blanks(x);
    } while (*x->at == ',' && x->at++);
    if (*x->at) malformed(x);
}

/* ---- meaning ------------------------------------------------------------------------------------------------------- */

static void out_of_range(lua_State *L, int64_t index, int axis, int64_t size) {
    if (index == 0) bind_raise(L, ERR_INDEX, "index 0 on axis %d: indices count from 1", axis);
    bind_raise(L, ERR_INDEX, "index %lld is out of range for axis %d of size %lld", (long long)index, axis,
               (long long)size);
}

/* 1-based, negative from the end, to 0-based; lowest..highest are what is allowed after that, 1-based. */
static int64_t resolve(const struct index *x, int64_t i, int axis, int64_t lowest, int64_t highest) {
    int64_t size = x->shape->dim[axis], from_start = i < 0 ? i + size + 1 : i;
    if (from_start < lowest || from_start > highest) out_of_range(x->L, i, axis, size);
    return from_start - 1;
}

/* How many elements a range takes, and from which one on. The range may be empty just outside the ends. */
static int64_t range(const struct index *x, const struct item *i, int axis, int64_t *start) {
    int64_t size = x->shape->dim[axis], step = i->step;
    int64_t first = i->has_start ? resolve(x, i->start, axis, step > 0, size + (step > 0)) : step > 0 ? 0 : size - 1;
    int64_t last = i->has_stop ? resolve(x, i->stop, axis, step > 0 ? 0 : 1, size + (step < 0))
                   : step > 0  ? size - 1
                               : 0;
    *start = first;
    bool empty = step > 0 ? last < first : first < last;
    if (empty || size == 0 || step == 0) return 0;
    if (first < 0 || first >= size) out_of_range(x->L, i->start, axis, size);
    if (last < 0 || last >= size) out_of_range(x->L, i->stop, axis, size);
    return (last - first) / step + 1; /* last - first has step's sign */
}

static int consumed(const struct index *x) {
    int n = 0;
    for (int i = 0; i < x->n; i++) n += x->item[i].kind != ITEM_NEW;
    return n;
}

/* What the index does: a slice of the same rank, then a reshape that drops and adds dimensions of 1. */
struct plan {
    union op_attrs slice;
    struct shape shape;
    int axis;
};

static void whole_axes(struct plan *p, const struct shape *s, int n) {
    for (; n > 0; n--, p->axis++) {
        p->slice.slice.shape.dim[p->axis] = s->dim[p->axis];
        p->slice.slice.step[p->axis] = 1;
        p->shape.dim[p->shape.rank++] = s->dim[p->axis];
    }
}

static void one_item(const struct index *x, struct plan *p, const struct item *i) {
    int64_t start = 0, n = 1;
    if (p->shape.rank == TENSOR_MAX_RANK) bind_raise(x->L, ERR_INDEX, "the index \"%s\" has too many newaxis", x->text);
    if (i->kind == ITEM_NEW) {
        p->shape.dim[p->shape.rank++] = 1;
        return;
    }
    if (i->kind == ITEM_INDEX)
        start = resolve(x, i->start, p->axis, 1, x->shape->dim[p->axis]);
    else
        p->shape.dim[p->shape.rank++] = n = range(x, i, p->axis, &start);
    p->slice.slice.start[p->axis] = n ? start : 0;
    p->slice.slice.step[p->axis] = i->kind == ITEM_INDEX ? 1 : i->step;
    p->slice.slice.shape.dim[p->axis] = n;
    p->axis++;
}

static void make_plan(const struct index *x, struct plan *p) {
    int rank = x->shape->rank, rest = rank - consumed(x), ellipsis = x->ellipsis < 0 ? x->n : x->ellipsis;
    *p = (struct plan){0};
    p->slice.slice.shape.rank = rank;
    if (rest < 0) bind_raise(x->L, ERR_INDEX, "too many indices: %d for a tensor of %d dimensions", rank - rest, rank);
    for (int i = 0; i <= x->n; i++) {
        if (i == ellipsis) whole_axes(p, x->shape, rest);
        if (i < x->n) one_item(x, p, &x->item[i]);
    }
}

/* Pushes the view that the index at 2 selects of x. */
static struct tensor *select_view(lua_State *L, struct tensor *x) {
    struct index index = {.L = L, .text = "", .at = "", .shape = &x->shape, .ellipsis = -1};
    struct plan p;
    if (lua_type(L, 2) == LUA_TSTRING) {
        index.text = index.at = lua_tostring(L, 2);
        read_index(&index);
    } else {
        if (lua_istable(L, 2))
            return bind_raise(
                       L, ERR_TYPE,
                       "several indices are one string, as in x[\"2, 1:3\"]; rows are a tensor, as in x[tensor{1, 3}]"),
                   NULL;
        new_item(&index, ITEM_INDEX)->start = bind_integer(L, 2, "an index");
    }
    make_plan(&index, &p);
    union op_attrs reshape = {.full.shape = p.shape};
    struct tensor *part = bind_op(L, &op_slice, &x, 1, &p.slice);
    return shape_equal(&part->shape, &p.shape) ? part : bind_op(L, &op_reshape, &part, 1, &reshape);
}

/* ---- masks --------------------------------------------------------------------------------------------------------- */

static void check_mask(lua_State *L, const struct tensor *x, const struct tensor *mask) {
    char a[256], b[256];
    bool fits = mask->shape.rank <= x->shape.rank;
    if (mask->dtype != DT_BOOL)
        bind_raise(L, ERR_TYPE, "only a mask of bool can say what is assigned to, not one of %s",
                   dtype_name(mask->dtype));
    for (int i = 0; fits && i < mask->shape.rank; i++) fits = mask->shape.dim[i] == x->shape.dim[i];
    if (!fits)
        bind_raise(L, ERR_INDEX, "a mask of shape %s does not fit a tensor of shape %s",
                   shape_text(&mask->shape, a, sizeof a), shape_text(&x->shape, b, sizeof b));
}

/* Pushes the 0-based places where the mask is true, as int64. */
static struct tensor *true_places(lua_State *L, const struct tensor *mask) {
    struct err e = {0};
    int64_t size = tensor_size(mask), n = 0;
    bool *bits = lua_newuserdatauv(L, (size_t)size, 0);
    bind_check(L, tensor_read(mask, bits, &e), &e);
    int64_t *places = lua_newuserdatauv(L, (size_t)size * sizeof *places, 0);
    for (int64_t i = 0; i < size; i++)
        if (bits[i]) places[n++] = i;
    struct tensor **out = bind_new_tensor(L);
    bind_made(L, out, tensor_from(tensor_device(mask), DT_INT64, &(struct shape){1, {n}}, places, out, &e), &e);
    return *out;
}

/* x[rows]: by integers that count from 1, or with a minus from the end, as all indices do. */
static int get_rows(lua_State *L, struct tensor *x, struct tensor *rows) {
    struct err e = {0};
    if (dtype_is_float(rows->dtype))
        return bind_raise(L, ERR_TYPE, "a tensor that is an index must hold integers or bool, not %s",
                          dtype_name(rows->dtype));
    if (x->shape.rank == 0) return bind_raise(L, ERR_INDEX, "a 0-d tensor has no rows");
    struct tensor **out = bind_new_tensor(L);
    struct op_emitter m = run_emitter(bind_run(L), &e);
    emit_t i = emit_cast(&m, rows, DT_INT64), from_end = emit_adds(&m, i, (double)x->shape.dim[0]);
    struct tensor *y = emit_gather(&m, x, emit_where(&m, emit_gts(&m, i, -1), emit_adds(&m, i, -1), from_end));
    if (y) *out = tensor_retain(y);
    op_emitter_close(&m);
    if (e.status == ERR_INDEX)
        return bind_raise(L, ERR_INDEX, "an index is out of range for axis 0 of size %lld; they count from 1",
                          (long long)x->shape.dim[0]);
    bind_check(L, e.status, &e);
    return 1;
}

static int get_masked(lua_State *L, struct tensor *x, struct tensor *mask) {
    union op_attrs rows = {.full.shape = {.rank = 1 + x->shape.rank - mask->shape.rank}};
    check_mask(L, x, mask);
    struct tensor *in[2] = {NULL, true_places(L, mask)};
    rows.full.shape.dim[0] = tensor_size(mask);
    for (int i = 1; i < rows.full.shape.rank; i++) rows.full.shape.dim[i] = x->shape.dim[mask->shape.rank + i - 1];
    in[0] = bind_op(L, &op_reshape, &x, 1, &rows);
    bind_op(L, &op_gather, in, 2, NULL);
    return 1;
}

/* x[mask] = value, which broadcasts to x: where(mask, value, x). */
static struct tensor *mix_masked(lua_State *L, struct tensor *x, struct tensor *mask) {
    union op_attrs wide = {.full.shape = mask->shape};
    check_mask(L, x, mask);
    while (wide.full.shape.rank < x->shape.rank) wide.full.shape.dim[wide.full.shape.rank++] = 1;
    struct tensor *in[3] = {bind_op(L, &op_reshape, &mask, 1, &wide), bind_tensor_as(L, 3, x->dtype), x};
    return bind_op(L, &op_where, in, 3, NULL);
}

/* ---- the events ---------------------------------------------------------------------------------------------------- */

int bind_index_get(lua_State *L) {
    struct tensor *x = bind_tensor(L, 1), *mask = bind_test(L, 2, BIND_TENSOR);
    if (mask) return mask->dtype == DT_BOOL ? get_masked(L, x, mask) : get_rows(L, x, mask);
    select_view(L, x);
    return 1;
}

int bind_index_set(lua_State *L) {
    struct tensor *x = bind_unbox(L, 1, BIND_TENSOR), *mask = bind_test(L, 2, BIND_TENSOR), *value;
    struct err e = {0};
    if (mask) {
        value = mix_masked(L, x, mask);
    } else {
        x = select_view(L, x);
        value = bind_tensor_as(L, 3, x->dtype);
    }
    bind_check(L, run_assign(bind_run(L), x, value, &e), &e);
    return 0;
}
