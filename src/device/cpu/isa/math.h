/* float32 elementary functions as straight-line code that compilers vectorise: no branches, no tables, no calls. Each is
 * within 2 ulp, keeps NaN, and underflows gradually; test_math.c sweeps them against double.
 * Method: Cody and Waite's argument reduction (Software Manual for the Elementary Functions, 1980), then polynomials
 * interpolated at Chebyshev nodes of the reduced range, in the forms of Cephes (Moshier) and fdlibm's log1p. */
#ifndef DEVICE_CPU_ISA_MATH_H
#define DEVICE_CPU_ISA_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline int32_t float_bits(float x) {
    int32_t i;
    memcpy(&i, &x, sizeof i);
    return i;
}
static inline float bits_float(int32_t i) {
    float x;
    memcpy(&x, &i, sizeof x);
    return x;
}

#define LN2_HIGH 0.693145751953125f /* 15 bits: n * LN2_HIGH is exact for |n| < 2^9 */
#define LN2_LOW 1.42860682030941723212e-6f

/* The integer nearest to x, for |x| < 2^22: adding 1.5 * 2^23 leaves no fraction bits. */
static inline float nearest_integer(float x) {
    return (x + 12582912.0f) - 12582912.0f;
}

/* 2^n for -126 <= n <= 127. */
static inline float power_of_two(float n) {
    return bits_float(((int32_t)n + 127) << 23);
}

/* (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2. */
static inline float exp_tail(float r) {
    float p = 1.98910799e-4f;
    p = p * r + 1.39337312e-3f;
    p = p * r + 8.33331048e-3f;
    p = p * r + 4.1666463e-2f;
    p = p * r + 0.166666672f;
    return p * r + 0.5f;
}

static inline float exp_f32(float x) {
    /* Clamped where the result is 0 or infinite; the comparisons let NaN through. */
    float c = x > 89 ? 89 : x;
    c = c < -104 ? -104 : c;
    const float n = nearest_integer(c * 1.44269504f);
    const float r = (c - n * LN2_HIGH) - n * LN2_LOW;
    const float e = (r * r * exp_tail(r) + r) + 1;
    /* In two factors, since n reaches 129 and the denormals. */
    const float half = nearest_integer(n * 0.5f);
    const float y = e * power_of_two(half == half ? half : 0) * power_of_two(n == n ? n - half : 0);
    return y;
}

static inline float expm1_f32(float x) {
    float c = x > 89 ? 89 : x;
    c = c < -18 ? -18 : c;
    const float n = nearest_integer(c * 1.44269504f);
    const float t = c - n * LN2_HIGH, low = n * LN2_LOW;
    const float r = t - low;
    const float lost = (t - r) - low; /* what rounding r took away */
    const float p = r + (r * r * exp_tail(r) + lost);
    /* 2^n p + (2^n - 1), halved once so that 2^128 is never formed. */
    const float s = power_of_two(n == n ? n - 1 : 0);
    const float y = 2 * (s * p + (s - 0.5f));
    return n == 0 ? p : y;
}

/* (ln(1 + f) - f + f^2 / 2) / f^3 for sqrt(1/2) <= 1 + f <= sqrt(2). */
static inline float log_tail(float f) {
    float p = 6.97251856e-2f;
    p = p * f - 0.114812121f;
    p = p * f + 0.116857849f;
    p = p * f - 0.124255233f;
    p = p * f + 0.142490074f;
    p = p * f - 0.166678071f;
    p = p * f + 0.20000717f;
    p = p * f - 0.24999997f;
    return p * f + 0.333333313f;
}

/* k ln(2) + ln(1 + f) + low. */
static inline float log_sum(float k, float f, float low) {
    const float z = f * f;
    const float tail = f * z * log_tail(f) + (k * LN2_LOW + low);
    return k * LN2_HIGH + (f + (tail - 0.5f * z));
}

/* Splits x > 0 into 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); returns k. */
static inline float log_split(float x, float *f) {
    const int32_t i = float_bits(x) - 0x3f3504f3; /* sqrt(1/2) */
    *f = bits_float((i & 0x007fffff) + 0x3f3504f3) - 1;
    return (float)(i >> 23);
}

/* ln at 0, below 0, at infinity and NaN, where y is what the formula gave. */
static inline float log_special(float x, float y) {
    y = x < INFINITY ? y : x;
    y = x == 0 ? -INFINITY : y;
    return x < 0 ? NAN : y;
}

static inline float log_f32(float x) {
    const int small = x < 0x1p-126f;
    float f;
    const float k = log_split(small ? x * 0x1p23f : x, &f);
    return log_special(x, log_sum(small ? k - 23 : k, f, 0));
}

static inline float log1p_f32(float x) {
    const float u = 1 + x;
    float f;
    const float k = log_split(u, &f);
    /* What rounding 1 + x took away, relative to u. */
    const float low = k == 0 ? 0 : (x > 1 ? 1 - (u - x) : x - (u - 1)) / u;
    const float y = log_sum(k, k == 0 ? x : f, low);
    return log_special(u, u == 0 || u < INFINITY ? y : u);
}

/* Cephes's split: a polynomial near 0, elsewhere 1 - 2 / (e^2x + 1). */
static inline float tanh_f32(float x) {
    const float a = fabsf(x), z = x * x;
    float p = -6.07516663e-3f;
    p = p * z + 2.09822971e-2f;
    p = p * z - 5.38477562e-2f;
    p = p * z + 0.133327484f;
    p = p * z - 0.333333284f;
    const float small = x + x * (z * p);
    const float large = copysignf(1 - 2 / (exp_f32(2 * a) + 1), x);
    return a < 0.625f ? small : (x == x ? large : x);
}

static inline float sigmoid_f32(float x) {
    const float e = exp_f32(-fabsf(x)), sum = 1 + e;
    const float lost = e - (sum - 1); /* what rounding the sum took away */
    float y = (x < 0 ? e : 1) / sum;
    y -= y * (lost / sum);
    return x == x ? y : x;
}

/* x P(x^2) near 0, elsewhere 1 - e^Q(|x|), where Q approximates ln(erfc). */
static inline float erf_f32(float x) {
    const float a = fabsf(x), z = x * x;
    float p = -6.08249975e-4f;
    p = p * z + 5.01077622e-3f;
    p = p * z - 2.67783627e-2f;
    p = p * z + 0.112821341f;
    p = p * z - 0.376125246f;
    p = p * z + 0.128379151f;
    const float small = x + x * p;
    const float c = a > 3.95f ? 3.95f : a;
    float q = 1.65781694e-6f;
    q = q * c - 4.64315344e-5f;
    q = q * c + 5.99638675e-4f;
    q = q * c - 4.77128848e-3f;
    q = q * c + 2.64495537e-2f;
    q = q * c - 0.110121071f;
    q = q * c - 0.631792724f;
    q = q * c - 1.13024664f;
    q = q * c + 3.2174011e-4f;
    const float large = copysignf(1 - exp_f32(q), x);
    return a < 0.9f ? small : (x == x ? large : x);
}

#endif
