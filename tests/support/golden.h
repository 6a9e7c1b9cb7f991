/* Golden cases: what Keras 3.15.1 on TensorFlow 2.21 computed, in tests/golden. Metadata holds the object's JSON. */
#ifndef TESTS_SUPPORT_GOLDEN_H
#define TESTS_SUPPORT_GOLDEN_H

#include "support/nn.h"
#include "support/tolerance.h"

struct golden;

/* Calls `check` with each case of a folder ("layers"), its name told when it fails; there must be some. */
void golden_each(const char *folder, void (*check)(struct golden *g));

/* The object in the metadata under `key`. */
struct nn_object *golden_object(const struct golden *g, enum nn_kind kind, const char *key);
json_t *golden_json(const struct golden *g, const char *key); /* parsed metadata; a new reference */

/* A new tensor, NULL where the case has none of that name. */
struct tensor *golden_tensor(const struct golden *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Fails unless |got - want| <= tolerance * (1 + the largest |want|) everywhere. Releases `want`. */
void golden_near(const struct golden *g, const struct tensor *got, struct tensor *want, double tolerance,
                 const char *what);

#endif
