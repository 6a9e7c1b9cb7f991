/* The arguments of an object: which there are, filling them from a JSON object and live objects, and their defaults. */
#include <string.h>

#include "base/json.h"
#include "base/nearest.h"
#include "nn/impl.h"

static void *field_of(const struct nn_object *o, const struct nn_arg *a) {
    return (char *)o + a->offset;
}

int nn_positional(const struct nn_class *c) {
    int n = 0;
    while (c->args[n].name) n++;
    return n;
}

static const struct nn_arg *find_arg(const struct nn_arg *args, const char *name) {
    for (; args && args->name; args++)
        if (strcmp(args->name, name) == 0) return args;
    return NULL;
}

const struct nn_arg *nn_arg_at(const struct nn_class *c, int i) {
    int own = nn_positional(c);
    if (i < own) return &c->args[i];
    i -= own;
    for (const struct nn_arg *a = nn_kinds[c->kind].common; a && a->name; a++)
        if (!find_arg(c->args, a->name) && i-- == 0) return a;
    return NULL;
}

const char *nn_arg_wanted(const struct nn_arg *a) {
    return nn_arg_types[a->type].wanted;
}

static enum status unknown(const struct nn_class *c, const char *key, struct err *e) {
    const char *names[64];
    int n = 0;
    for (const struct nn_arg *a; n < 63 && (a = nn_arg_at(c, n)); n++) names[n] = a->name;
    names[n] = NULL;
    const char *near = nearest(key, names);
    return err_set(e, ERR_VALUE, "%s: unknown argument \"%.60s\"%s%s%s", c->name, key, near ? "; did you mean \"" : "",
                   near ? near : "", near ? "\"?" : "");
}

static enum status check_keys(const struct nn_class *c, const json_t *config, struct err *e) {
    for (void *i = json_object_iter((json_t *)config); i; i = json_object_iter_next((json_t *)config, i)) {
        const char *key = json_object_iter_key(i);
        if (!find_arg(c->args, key) && !find_arg(nn_kinds[c->kind].common, key)) return unknown(c, key, e);
    }
    return OK;
}

static enum status refuse(const struct nn_object *o, const struct nn_arg *a, const json_t *v, struct err *e) {
    struct buf text = {0};
    json_write(v, 0, true, &text);
    err_set(e, ERR_VALUE, "%s: argument %s must be %s, not %.100s", o->class->name, a->name,
            nn_arg_types[a->type].wanted, buf_text(&text));
    buf_free(&text);
    return e->status;
}

static bool takes_null(const struct nn_arg *a) {
    return a->type == NN_REJECT || a->flags & NN_NULLABLE || (a->initial && strcmp(a->initial, "null") == 0);
}

static enum status set_value(struct nn_object *o, const struct nn_arg *a, const json_t *v, struct err *e) {
    void *field = field_of(o, a);
    if (json_is_null(v)) {
        if (!takes_null(a)) return refuse(o, a, v, e);
        nn_arg_types[a->type].set_null(field);
        return OK;
    }
    enum status s = nn_arg_types[a->type].set(o, a, field, v, e);
    return s && !e->status ? refuse(o, a, v, e) : s;
}

static enum status set_default(struct nn_object *o, const struct nn_arg *a, struct err *e) {
    if (!a->initial) return err_set(e, ERR_VALUE, "%s: missing argument \"%s\"", o->class->name, a->name);
    json_t *v = nn_arg_default(a, e);
    if (!v) return e->status;
    enum status s = set_value(o, a, v, e);
    json_decref(v);
    return s;
}

static enum status set_given(struct nn_object *o, const struct nn_arg *a, struct nn_object *value, struct err *e) {
    enum nn_kind kind;
    struct nn_object **field = nn_arg_object(o, a, &kind);
    if (!field || value->class->kind != kind)
        return err_set(e, ERR_TYPE, "%s: argument %s must be %s, not a %s", o->class->name, a->name,
                       nn_arg_types[a->type].wanted, value->class->name);
    *field = nn_retain(value);
    return OK;
}

static const struct nn_given *find_given(const struct nn_given *given, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(given[i].name, name) == 0) return &given[i];
    return NULL;
}

static enum status set_one(struct nn_object *o, const struct nn_arg *a, const json_t *config,
                           const struct nn_given *given, struct err *e) {
    const json_t *v = json_object_get(config, a->name);
    if (given && v) return err_set(e, ERR_VALUE, "%s: argument %s is given twice", o->class->name, a->name);
    if (given) return set_given(o, a, given->object, e);
    return v ? set_value(o, a, v, e) : set_default(o, a, e);
}

enum status nn_args_set(struct nn_object *o, const json_t *config, const struct nn_given *given, int ngiven,
                        struct err *e) {
    const struct nn_class *c = o->class;
    if (config && !json_is_object(config))
        return err_set(e, ERR_TYPE, "%s: arguments must be a table of names and values", c->name);
    if (check_keys(c, config, e)) return e->status;
    for (int i = 0; i < ngiven; i++)
        if (!find_arg(c->args, given[i].name) && !find_arg(nn_kinds[c->kind].common, given[i].name))
            return unknown(c, given[i].name, e);
    const struct nn_arg *a;
    for (int i = 0; (a = nn_arg_at(c, i)); i++)
        if (set_one(o, a, config, find_given(given, ngiven, a->name), e)) return e->status;
    return OK;
}

void nn_args_clear(struct nn_object *o) {
    const struct nn_arg *a;
    for (int i = 0; (a = nn_arg_at(o->class, i)); i++) nn_arg_types[a->type].clear(field_of(o, a));
}

json_t *nn_arg_get(const struct nn_object *o, const struct nn_arg *a, struct err *e) {
    json_t *v = nn_arg_types[a->type].get(a, field_of(o, a), e);
    if (!v) err_set(e, ERR_MEMORY, "%s: no memory for its configuration", o->class->name);
    return v;
}

enum status nn_want_positive(const struct nn_object *o, const char *argument, int64_t value, struct err *e) {
    if (value > 0) return OK;
    return err_set(e, ERR_VALUE, "%s: argument %s must be positive, not %lld", o->class->name, argument,
                   (long long)value);
}

enum status nn_want_positive_pair(const struct nn_object *o, const char *argument, const int64_t pair[2],
                                  struct err *e) {
    return nn_want_positive(o, argument, pair[0] < pair[1] ? pair[0] : pair[1], e);
}
