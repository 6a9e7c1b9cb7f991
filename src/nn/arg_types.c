/* How each nn_type lies in an object's struct, and how it comes from JSON and goes back: one row of functions for each.
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "nn/impl.h"

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static bool to_integer(const json_t *v, int64_t *out) {
    if (json_is_integer(v)) {
        *out = json_integer_value(v);
        return true;
    }
    double x = json_is_real(v) ? json_real_value(v) : NAN;
    if (!(fabs(x) <= 0x1p53) || x != floor(x)) return false;
    *out = (int64_t)x;
    return true;
}

static enum status set_int(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                           struct err *e) {
    (void)o, (void)a, (void)e;
    return to_integer(v, field) ? OK : ERR_TYPE;
}

static void null_int(void *field) {
    *(int64_t *)field = NN_NONE;
}

static json_t *get_int(const struct nn_arg *a, const void *field, struct err *e) {
    (void)a, (void)e;
    int64_t n = *(const int64_t *)field;
    return n == NN_NONE ? json_null() : json_integer(n);
}

static enum status set_single(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                              struct err *e) {
    bool listed = json_is_array(v) && json_array_size(v) == 1;
    return set_int(o, a, field, listed ? json_array_get(v, 0) : v, e);
}

static json_t *get_single(const struct nn_arg *a, const void *field, struct err *e) {
    json_t *axis = get_int(a, field, e);
    return a->flags & NN_LISTED ? json_pack("[o]", axis) : axis;
}

static enum status set_float(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                             struct err *e) {
    (void)o, (void)a, (void)e;
    if (!json_is_number(v)) return ERR_TYPE;
    *(double *)field = json_number_value(v);
    return OK;
}

static void null_float(void *field) {
    *(double *)field = NAN;
}

static json_t *get_float(const struct nn_arg *a, const void *field, struct err *e) {
    (void)a, (void)e;
    double x = *(const double *)field;
    return isnan(x) ? json_null() : json_real(x);
}

static enum status set_bool(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                            struct err *e) {
    (void)o, (void)a, (void)e;
    if (!json_is_boolean(v)) return ERR_TYPE;
    *(bool *)field = json_is_true(v);
    return OK;
}

static json_t *get_bool(const struct nn_arg *a, const void *field, struct err *e) {
    (void)a, (void)e;
    return json_boolean(*(const bool *)field);
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

/* `word` as `choices` writes it, into out. Keras takes "SAME" for "same". */
static bool choose(const char *choices, const char *word, char *out, size_t cap) {
    for (const char *p = choices; *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        if (n < cap && n == strlen(word) && strncasecmp(p, word, n) == 0) {
            memcpy(out, p, n);
            out[n] = 0;
            return true;
        }
        p += n;
    }
    return false;
}

static enum status choice(const struct nn_object *o, const struct nn_arg *a, const char *word, char *out, size_t cap,
                          struct err *e) {
    if (choose(a->choices, word, out, cap)) return OK;
    const char *one_of = strchr(a->choices, ' ') ? "one of " : "";
    return err_set(e, ERR_VALUE, "%s: argument %s must be %s%s, not \"%.60s\"", o->class->name, a->name, one_of,
                   a->choices, word);
}

static enum status set_string(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                              struct err *e) {
    const char *text = json_string_value(v);
    char chosen[64];
    if (!text) return ERR_TYPE;
    if (a->choices && choice(o, a, text, chosen, sizeof chosen, e)) return e->status;
    char *copy = mem_strdup(a->choices ? chosen : text, e);
    if (!copy) return e->status;
    *(char **)field = copy;
    return OK;
}

static void null_pointer(void *field) {
    *(void **)field = NULL;
}

static json_t *get_string(const struct nn_arg *a, const void *field, struct err *e) {
    (void)a, (void)e;
    const char *text = *(char *const *)field;
    return text ? json_string(text) : json_null();
}

static void clear_string(void *field) {
    mem_free(*(char **)field);
}

static enum status set_dtype(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                             struct err *e) {
    const char *name = json_string_value(v);
    char chosen[16];
    if (!name) return ERR_TYPE;
    if (a->choices && choice(o, a, name, chosen, sizeof chosen, e)) return e->status;
    if (dtype_parse(name, field, e)) err_prefix(e, "%s: argument %s", o->class->name, a->name);
    return e->status;
}

static void null_dtype(void *field) {
    *(enum dtype *)field = DT_FLOAT32;
}

static json_t *get_dtype(const struct nn_arg *a, const void *field, struct err *e) {
    (void)a, (void)e;
    return json_string(dtype_name(*(const enum dtype *)field));
}

/* "float32", or {"class_name": "DTypePolicy", "config": {"name": "float32"}, ...}. */
static enum status set_policy(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                              struct err *e) {
    (void)field;
    const char *name = json_string_value(json_is_object(v) ? json_object_get(json_object_get(v, "config"), "name") : v);
    if (!name) return ERR_TYPE;
    if (strcmp(name, "float32") == 0) return OK;
    return err_set(e, ERR_UNSUPPORTED, "%s: argument %s must be \"float32\", not \"%.60s\"", o->class->name, a->name,
                   name);
}

static json_t *get_policy(const struct nn_arg *a, const void *field, struct err *e) {
    (void)a, (void)field, (void)e;
    return json_pack("{s:s, s:s, s:{s:s}, s:n}", "module", "keras", "class_name", "DTypePolicy", "config", "name",
                     "float32", "registered_name");
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

static enum status set_pair(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                            struct err *e) {
    (void)o, (void)a, (void)e;
    int64_t *pair = field;
    bool list = json_is_array(v);
    if (list && json_array_size(v) != 2) return ERR_TYPE;
    for (size_t i = 0; i < 2; i++)
        if (!to_integer(list ? json_array_get(v, i) : v, &pair[i])) return ERR_TYPE;
    return OK;
}

static void null_pair(void *field) {
    ((int64_t *)field)[0] = ((int64_t *)field)[1] = NN_NONE;
}

static json_t *get_pair(const struct nn_arg *a, const void *field, struct err *e) {
    (void)a, (void)e;
    const int64_t *pair = field;
    if (pair[0] == NN_NONE) return json_null();
    return json_pack("[I, I]", (json_int_t)pair[0], (json_int_t)pair[1]);
}

static enum status set_shape(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                             struct err *e) {
    (void)o, (void)a, (void)e;
    struct shape *s = field;
    size_t n = json_array_size(v);
    if (!json_is_array(v) || n > TENSOR_MAX_RANK) return ERR_TYPE;
    for (size_t i = 0; i < n; i++) {
        const json_t *dim = json_array_get(v, i);
        if (json_is_null(dim))
            s->dim[i] = -1;
        else if (!to_integer(dim, &s->dim[i]) || s->dim[i] < -1)
            return ERR_TYPE;
    }
    s->rank = (int)n;
    return OK;
}

static void null_shape(void *field) {
    ((struct shape *)field)->rank = -1;
}

static json_t *get_shape(const struct nn_arg *a, const void *field, struct err *e) {
    (void)e;
    const struct shape *s = field;
    if (s->rank < 0) return json_null();
    json_t *list = json_array();
    for (int i = 0; list && i < s->rank; i++) {
        bool unknown = s->dim[i] < 0 && !(a->flags & NN_WILDCARD);
        json_t *dim = unknown ? json_null() : json_integer(s->dim[i]);
        if (json_array_append_new(list, dim)) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static enum status set_margins(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                               struct err *e) {
    int64_t *margins = field;
    bool list = json_is_array(v);
    if (list && json_array_size(v) != 2) return ERR_TYPE;
    for (size_t i = 0; i < 2; i++)
        if (set_pair(o, a, margins + 2 * i, list ? json_array_get(v, i) : v, e)) return ERR_TYPE;
    return OK;
}

static json_t *get_margins(const struct nn_arg *a, const void *field, struct err *e) {
    (void)a, (void)e;
    const int64_t *m = field;
    return json_pack("[[I, I], [I, I]]", (json_int_t)m[0], (json_int_t)m[1], (json_int_t)m[2], (json_int_t)m[3]);
}

static enum status set_numbers(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                               struct err *e) {
    (void)o, (void)a, (void)e;
    if (!json_is_array(v)) return ERR_TYPE;
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!json_is_number(json_array_get(v, i))) return ERR_TYPE;
    *(json_t **)field = json_incref((json_t *)v);
    return OK;
}

static json_t *get_numbers(const struct nn_arg *a, const void *field, struct err *e) {
    (void)a, (void)e;
    return json_incref(*(json_t *const *)field);
}

static void clear_numbers(void *field) {
    json_decref(*(json_t **)field);
}

/* ---- objects ----------------------------------------------------------------------------------------------------- */

static enum status set_object(const struct nn_object *o, const struct nn_arg *a, enum nn_kind kind,
                              struct nn_object **field, const json_t *v, struct err *e) {
    if (nn_deserialize(o->run, kind, v, field, e)) err_prefix(e, "%s: argument %s", o->class->name, a->name);
    return e->status;
}

static enum status set_initializer(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                                   struct err *e) {
    if (!json_is_string(v) && !json_is_object(v)) return ERR_TYPE;
    return set_object(o, a, NN_INITIALIZERS, field, v, e);
}

static json_t *get_initializer(const struct nn_arg *a, const void *field, struct err *e) {
    (void)a;
    return nn_serialize(*(struct nn_object *const *)field, e);
}

static void clear_object(void *field) {
    nn_release(*(struct nn_object **)field);
}

struct nn_object **nn_arg_object(const struct nn_object *o, const struct nn_arg *a, enum nn_kind *kind) {
    void *field = (char *)o + a->offset;
    *kind = a->type == NN_RATE ? NN_SCHEDULE : NN_INITIALIZERS;
    if (a->type == NN_RATE) return &((struct nn_rate *)field)->schedule;
    return a->type == NN_INITIALIZER ? field : NULL;
}

static enum status set_rate(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                            struct err *e) {
    struct nn_rate *rate = field;
    if (!json_is_object(v)) return set_float(o, a, &rate->number, v, e);
    return set_object(o, a, NN_SCHEDULE, &rate->schedule, v, e);
}

static json_t *get_rate(const struct nn_arg *a, const void *field, struct err *e) {
    const struct nn_rate *rate = field;
    return rate->schedule ? nn_serialize(rate->schedule, e) : get_float(a, &rate->number, e);
}

static void clear_rate(void *field) {
    nn_release(((struct nn_rate *)field)->schedule);
}

/* "relu", or the function as Keras serialises it: {"class_name": "function", "config": "relu", ...}. */
static enum status set_activation(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                                  struct err *e) {
    const char *name = json_string_value(json_is_object(v) ? json_object_get(v, "config") : v);
    if (!name) return ERR_TYPE;
    const struct nn_activation *found = nn_activation_find(name, e);
    if (!found) {
        err_prefix(e, "%s: argument %s", o->class->name, a->name);
        return e->status;
    }
    *(const struct nn_activation **)field = found;
    return OK;
}

static void null_activation(void *field) {
    struct err ignored = {0};
    *(const struct nn_activation **)field = nn_activation_find("linear", &ignored);
}

static json_t *get_activation(const struct nn_arg *a, const void *field, struct err *e) {
    (void)a, (void)e;
    return json_string((*(const struct nn_activation *const *)field)->name);
}

/* ---- what celda does not have ------------------------------------------------------------------------------------ */

json_t *nn_arg_default(const struct nn_arg *a, struct err *e) {
    return json_parse(a->initial, strlen(a->initial), e);
}

static bool same_value(const json_t *a, const json_t *b) {
    if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
    return json_equal(a, b);
}

static enum status set_reject(const struct nn_object *o, const struct nn_arg *a, void *field, const json_t *v,
                              struct err *e) {
    (void)field;
    json_t *only = nn_arg_default(a, e);
    if (!only) return e->status;
    if (!same_value(v, only))
        err_set(e, ERR_UNSUPPORTED, "%s: argument %s is not supported by celda yet; its one value is %s",
                o->class->name, a->name, a->initial);
    json_decref(only);
    return e->status;
}

static json_t *get_reject(const struct nn_arg *a, const void *field, struct err *e) {
    (void)field;
    return nn_arg_default(a, e);
}

static void nothing(void *field) {
    (void)field;
}

const struct nn_arg_type nn_arg_types[] = {
    [NN_INT] = {"an integer", set_int, null_int, get_int, nothing},
    [NN_FLOAT] = {"a number", set_float, null_float, get_float, nothing},
    [NN_BOOL] = {"a boolean", set_bool, nothing, get_bool, nothing},
    [NN_STRING] = {"a string", set_string, null_pointer, get_string, clear_string},
    [NN_PAIR] = {"an integer or a list of 2 integers", set_pair, null_pair, get_pair, nothing},
    [NN_SHAPE] = {"a list of sizes", set_shape, null_shape, get_shape, nothing},
    [NN_MARGINS] = {"an integer or 2 or 2 times 2 of them", set_margins, nothing, get_margins, nothing},
    [NN_INITIALIZER] = {"an initializer or its name", set_initializer, null_pointer, get_initializer, clear_object},
    [NN_RATE] = {"a number or a learning rate schedule", set_rate, nothing, get_rate, clear_rate},
    [NN_NUMBERS] = {"a list of numbers", set_numbers, nothing, get_numbers, clear_numbers},
    [NN_ACTIVATION] = {"the name of an activation", set_activation, null_activation, get_activation, nothing},
    [NN_SINGLE] = {"an integer", set_single, null_int, get_single, nothing},
    [NN_DTYPE] = {"a dtype's name", set_dtype, null_dtype, get_dtype, nothing},
    [NN_POLICY] = {"a dtype's name", set_policy, nothing, get_policy, nothing},
    [NN_REJECT] = {"", set_reject, nothing, get_reject, nothing},
};
