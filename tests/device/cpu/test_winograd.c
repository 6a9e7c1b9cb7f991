/* Winograd's transforms by themselves, of each size and on every instruction set: the correlation of one patch and its
 * kernel's gradient against plain sums in double, also of numbers about 100 and where a patch lies over an edge. And which
 * size is taken. */
#include <math.h>

#include "device/cpu/conv_winograd.h"
#include "support/cpu.h"

enum { TAPS = 3, MAX_TILE = 8, MAX_GRID = MAX_TILE + TAPS - 1, MAX_POINTS = 118, MAX_LANES = 16 };
static const double BOUND = 1e-5; /* of the largest sum of |products|: the worst is one channel, as here */

/* n x n positions of a vector of channels each. */
struct image {
    _Alignas(64) float x[MAX_GRID * MAX_GRID * MAX_LANES];
    struct cpu_conv_patch patch;
};

static void make_image(struct image *m, int n, int lanes, double mean, uint64_t seed) {
    for (int i = 0; i < n * n * lanes; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        m->x[i] = (float)(mean + (double)(seed >> 40) / (1 << 23) - 1);
    }
    m->patch =
        (struct cpu_conv_patch){.x = m->x, .row_stride = n * lanes, .column_stride = lanes, .bottom = n, .right = n};
}

static double at(const struct image *m, int y, int x, int lane) {
    const struct cpu_conv_patch *p = &m->patch;
    if (y < p->top || y >= p->bottom || x < p->left || x >= p->right) return 0;
    return (double)m->x[y * p->row_stride + x * p->column_stride + lane];
}

/* out (size x size) should be the correlation of x with w (k x k), every lane. */
static void check(const struct image *out, int size, const struct image *x, const struct image *w, int k, int lanes) {
    double error = 0, scale = 0;
    for (int i = 0; i < size * size * lanes; i++) {
        const int lane = i % lanes, column = i / lanes % size, row = i / lanes / size;
        double sum = 0, magnitude = 0;
        for (int t = 0; t < k * k; t++) {
            const double product = at(x, row + t / k, column + t % k, lane) * at(w, t / k, t % k, lane);
            sum += product, magnitude += fabs(product);
        }
        error = fmax(error, fabs(sum - (double)out->x[i])), scale = fmax(scale, magnitude);
    }
    if (!(error <= BOUND * scale)) fail_msg("%d x %d: %g of %g", size, size, error, scale);
}

static void multiply(int points, int lanes, const float *a, const float *b, float *out) {
    for (int i = 0; i < points * lanes; i++) out[i] = a[i] * b[i];
}

static void check_form(const struct cpu_winograd *f, int lanes, double mean, int top, int right) {
    static _Alignas(64) float a[MAX_POINTS * MAX_LANES], b[MAX_POINTS * MAX_LANES];
    static struct image x, w, y, dy, dw;
    assert_true(f->tile <= MAX_TILE && f->points <= MAX_POINTS && lanes <= MAX_LANES);
    make_image(&x, f->tile + TAPS - 1, lanes, mean, 1);
    make_image(&w, TAPS, lanes, 0, 2);
    make_image(&dy, f->tile, lanes, 0, 3);
    make_image(&y, f->tile, lanes, 0, 4);
    make_image(&dw, TAPS, lanes, 0, 5);
    x.patch.top = top, x.patch.right -= right;
    dy.patch.bottom -= top, dy.patch.left = right;
    f->input(&x.patch, a, lanes);
    f->kernel(&w.patch, b, lanes);
    multiply(f->points, lanes, a, b, b);
    f->output(&y.patch, b, lanes);
    check(&y, f->tile, &x, &w, TAPS, lanes);
    f->gradient(&dy.patch, b, lanes);
    multiply(f->points, lanes, a, b, b);
    f->taps(&dw.patch, b, lanes);
    check(&dw, TAPS, &x, &dy, f->tile, lanes);
}

static void each_form(void **state) {
    (void)state;
    for (int i = 0; i < test_ncpu; i++) {
        const struct cpu_conv_kernels *k = cpu_conv_kernels((struct cpu *)test_cpu[i]);
        for (int j = 0; k->winograd[j]; j++) {
            check_form(k->winograd[j], k->lanes, 0, 0, 0);
            check_form(k->winograd[j], k->lanes, 100, 0, 0);
            check_form(k->winograd[j], k->lanes, 0, 1, 1);
        }
    }
}

static struct winograd_plan plan_of(int64_t size, int64_t channels, enum cpu_conv_pass pass, double *ns) {
    const struct cpu_conv g = {.dtype = DT_FLOAT32,
                               .n = 64,
                               .h = size,
                               .w = size,
                               .c = channels,
                               .kh = 3,
                               .kw = 3,
                               .o = 32,
                               .oh = size,
                               .ow = size,
                               .stride = {1, 1},
                               .dilation = {1, 1},
                               .before = {1, 1},
                               .groups = 1};
    struct winograd_plan p;
    cpu_winograd_plan((struct cpu *)test_cpu[0], &g, pass, &p, ns);
    assert_true(*ns > 0);
    return p;
}

static int tile_of(int64_t size, int64_t channels, enum cpu_conv_pass pass) {
    double ns;
    return plan_of(size, channels, pass, &ns).form->tile;
}

/* Channels of x that fill no vector are not multiplied as if they did, whichever way the kernel's gradient is taken. */
static void few_channels_cost_less(void **state) {
    (void)state;
    for (enum cpu_conv_pass pass = CPU_CONV_FORWARD; pass <= CPU_CONV_GRAD_KERNEL; pass += 2) {
        double few, many;
        plan_of(64, 4, pass, &few);
        plan_of(64, 16, pass, &many);
        assert_true(few < 0.75 * many);
    }
}

/* The tile that leaves the fewest products; the least accurate one for long sums alone. */
static void the_tile_suits_the_image(void **state) {
    (void)state;
    for (enum cpu_conv_pass pass = CPU_CONV_FORWARD; pass <= CPU_CONV_GRAD_KERNEL; pass++) {
        assert_int_equal(tile_of(4, 32, pass), 4);
        assert_int_equal(tile_of(12, 32, pass), 6);
        assert_int_equal(tile_of(32, 32, pass), 8);
    }
    assert_int_not_equal(tile_of(12, 15, CPU_CONV_FORWARD), 6);
    assert_int_equal(tile_of(12, 16, CPU_CONV_FORWARD), 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_form), cmocka_unit_test(the_tile_suits_the_image),
                                       cmocka_unit_test(few_channels_cost_less)};
    return cmocka_run_group_tests(tests, test_cpus_open, test_cpus_close);
}
