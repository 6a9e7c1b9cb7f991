/* The seeds of initializers and layers: Keras draws them from Python's generator when an object is constructed. */
#include <sys/random.h>
#include <time.h>

#include "nn/nn.h"

static void seed_generator(struct run *r, uint32_t seed) {
    rng_mt_seed(&r->seeds, seed);
    r->seeds_ready = true;
}

void nn_set_random_seed(struct run *r, uint32_t seed) {
    seed_generator(r, seed);
    r->seed = seed;
    r->seeded = true;
}

void nn_ready_seed(struct run *r) {
    uint32_t entropy = (uint32_t)time(NULL); /* where the system gives none */
    if (r->seeds_ready) return;
    if (getrandom(&entropy, sizeof entropy, GRND_NONBLOCK) < 0) entropy ^= (uint32_t)clock();
    seed_generator(r, entropy);
}

uint64_t nn_draw_seed(struct run *r) {
    nn_ready_seed(r);
    return rng_mt_keras_seed(&r->seeds);
}

int64_t nn_seed_or_draw(struct run *r, int64_t given) {
    return given == NN_NONE ? (int64_t)nn_draw_seed(r) : given;
}
