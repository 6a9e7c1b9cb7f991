/* max_pool2d and its gradient over NHWC images of T. */

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

/* Each place of x asks the windows it lies in, in their order, whether it is their first maximum. */
KERNEL(max_pool2d_grad)
(GLOBAL T *dx, i64 dx_at, const GLOBAL T *x, i64 x_at, const GLOBAL T *y, i64 y_at, const GLOBAL T *dy, i64 dy_at,
 window w, i64 n) {
    const i64 i = INDEX;
    if (i >= n) return;
    const i64 c = i % w.channels, iw = i / w.channels % w.in[1], ih = i / w.channels / w.in[1] % w.in[0];
    const i64 b = i / w.channels / w.in[1] / w.in[0];
    const i64 image = x_at + b * w.in[0] * w.in[1] * w.channels + c, pooled = b * w.out[0] * w.out[1] * w.channels + c;
    const i64 oh0 = MAX(ih + w.before[0] - w.size[0] + w.stride[0], 0) / w.stride[0];
    const i64 ow0 = MAX(iw + w.before[1] - w.size[1] + w.stride[1], 0) / w.stride[1];
    const i64 oh1 = MIN((ih + w.before[0]) / w.stride[0] + 1, w.out[0]);
    const i64 ow1 = MIN((iw + w.before[1]) / w.stride[1] + 1, w.out[1]);
    const T mine = x[x_at + i];
    T sum = 0;
    for (i64 oh = oh0; oh < oh1; oh++)
        for (i64 ow = ow0; ow < ow1; ow++) {
            const i64 at = pooled + (oh * w.out[1] + ow) * w.channels;
            const T most = y[y_at + at];
            int first = !(mine < most);
            for (i64 h = FIRST(w, 0, oh); first && h <= ih; h++)
                for (i64 v = FIRST(w, 1, ow); first && v < END(w, 1, ow) && (h < ih || v < iw); v++)
                    first = x[image + (h * w.in[1] + v) * w.channels] < most;
            if (first) sum += dy[dy_at + at];
        }
    dx[dx_at + i] = sum;
}
