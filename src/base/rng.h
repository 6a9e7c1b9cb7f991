/* Keras's random numbers, bit for bit: Python's MT19937 for the layers' seeds, Philox4x32-10 for everything else. Each
 * Philox word depends on its index alone, so any split over threads or devices draws the same.
 * Sources: Matsumoto and Nishimura 1998 (init_by_array); Salmon et al. 2011 (Philox). Verified against Keras 3.15.1 on
 * TensorFlow 2.21.0. Compiled without FMA contraction: products are rounded before sums. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng_mt {
    uint32_t word[624];
    int next;
};
void rng_mt_seed(struct rng_mt *m, uint32_t seed); /* as Python's random.seed(seed) */
uint32_t rng_mt_next(struct rng_mt *m);
/* Keras's draw_seed: random.randint(1, 10^9). */
uint64_t rng_mt_keras_seed(struct rng_mt *m);

struct rng_philox {
    uint32_t counter[4], key[2];
};
/* The stateless stream of a seed pair (weights, dropout): TensorFlow's stateless ops. */
struct rng_philox rng_stateless(int64_t a, int64_t t);
/* The stateful stream of (seed, op) (the sample order of fit). */
struct rng_philox rng_stateful(int64_t seed, int64_t op);
/* Words 4*block .. 4*block+3 of a stream. */
void rng_block(const struct rng_philox *p, uint64_t block, uint32_t out[4]);

/* Numbers first .. first+n-1 of a stream, one word each: uniform in [0, 1). */
void rng_unit(const struct rng_philox *p, uint64_t first, int64_t n, float *out);
/* Whole streams from their start, in Keras's order. low, high, mean, deviation are rounded to float. */
void rng_uniform(const struct rng_philox *p, int64_t n, double low, double high, float *out);
void rng_normal(const struct rng_philox *p, int64_t n, double mean, double deviation, float *out);
void rng_truncated_normal(const struct rng_philox *p, int64_t n, double mean, double deviation, float *out);
/* Integers in [low, high). */
void rng_integers32(const struct rng_philox *p, int64_t n, int32_t low, int32_t high, int32_t *out);
void rng_integers64(const struct rng_philox *p, int64_t n, int64_t low, int64_t high, int64_t *out);
/* A permutation of 0..n-1: tf.random's shuffle. */
void rng_permutation(const struct rng_philox *p, int64_t n, int64_t *out);

#endif
