/* max_pool2d, with and without places, and max_unpool2d over NHWC images of T; places in a window are PLACEs. */

/* Windows along one dimension: window i covers before .. before + size - 1 from i * stride on. */
typedef struct {
    i64 size[2], stride[2], before[2], in[2], out[2], channels;
} window;

#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
/* The rows (d = 0) or columns of window i that lie inside the image. */
#define FIRST(w, d, i) MAX((i)*w.stride[d] - w.before[d], 0)
#define END(w, d, i) MIN((i)*w.stride[d] - w.before[d] + w.size[d], w.in[d])

KERNEL(max_pool2d)(GLOBAL T *y, i64 y_at, const GLOBAL T *x, i64 x_at, window w, i64 n) {
    const i64 i = INDEX;
    if (i >= n) return;
    const i64 c = i % w.channels, ow = i / w.channels % w.out[1], oh = i / w.channels / w.out[1] % w.out[0];
    const i64 image = x_at + i / w.channels / w.out[1] / w.out[0] * w.in[0] * w.in[1] * w.channels + c;
    const i64 h0 = FIRST(w, 0, oh), w0 = FIRST(w, 1, ow), h1 = END(w, 0, oh), w1 = END(w, 1, ow);
    T best = x[image + (h0 * w.in[1] + w0) * w.channels];
    for (i64 h = h0; h < h1; h++)
        for (i64 v = w0; v < w1; v++) {
            const T a = x[image + (h * w.in[1] + v) * w.channels];
            best = best > a || best != best ? best : a;
        }
    y[y_at + i] = best;
}

KERNEL(max_pool2d_argmax)
(GLOBAL T *y, i64 y_at, GLOBAL PLACE *place, i64 place_at, const GLOBAL T *x, i64 x_at, window w, i64 n) {
    const i64 i = INDEX;
    if (i >= n) return;
    const i64 c = i % w.channels, ow = i / w.channels % w.out[1], oh = i / w.channels / w.out[1] % w.out[0];
    const i64 image = x_at + i / w.channels / w.out[1] / w.out[0] * w.in[0] * w.in[1] * w.channels + c;
    const i64 h0 = FIRST(w, 0, oh), w0 = FIRST(w, 1, ow), h1 = END(w, 0, oh), w1 = END(w, 1, ow);
    const i64 corner = (oh * w.stride[0] - w.before[0]) * w.size[1] + ow * w.stride[1] - w.before[1];
    T best = x[image + (h0 * w.in[1] + w0) * w.channels];
    i64 first = h0 * w.size[1] + w0;
    for (i64 h = h0; h < h1; h++)
        for (i64 v = w0; v < w1; v++) {
            const T a = x[image + (h * w.in[1] + v) * w.channels];
            if (!(a <= best) && best == best) first = h * w.size[1] + v;
            best = best > a || best != best ? best : a;
        }
    y[y_at + i] = best;
    place[place_at + i] = (PLACE)(first - corner);
}

/* Each place of x asks the windows it lies in, in their order, whether it is theirs. */
KERNEL(max_unpool2d)
(GLOBAL T *dx, i64 dx_at, const GLOBAL PLACE *place, i64 place_at, const GLOBAL T *dy, i64 dy_at, window w, i64 n) {
    const i64 i = INDEX;
    if (i >= n) return;
    const i64 c = i % w.channels, iw = i / w.channels % w.in[1], ih = i / w.channels / w.in[1] % w.in[0];
    const i64 pooled = i / w.channels / w.in[1] / w.in[0] * w.out[0] * w.out[1] * w.channels + c;
    const i64 oh0 = MAX(ih + w.before[0] - w.size[0] + w.stride[0], 0) / w.stride[0];
    const i64 ow0 = MAX(iw + w.before[1] - w.size[1] + w.stride[1], 0) / w.stride[1];
    const i64 oh1 = MIN((ih + w.before[0]) / w.stride[0] + 1, w.out[0]);
    const i64 ow1 = MIN((iw + w.before[1]) / w.stride[1] + 1, w.out[1]);
    T sum = 0;
    for (i64 oh = oh0; oh < oh1; oh++)
        for (i64 ow = ow0; ow < ow1; ow++) {
            const i64 at = pooled + (oh * w.out[1] + ow) * w.channels;
            const i64 here = (ih - oh * w.stride[0] + w.before[0]) * w.size[1] + iw - ow * w.stride[1] + w.before[1];
            if (place[place_at + at] == here) sum += dy[dy_at + at];
        }
    dx[dx_at + i] = sum;
}
