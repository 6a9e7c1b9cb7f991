/* What the expressions of elementwise ops call beside the language's own functions, for every dtype that has a use. */

#define FLOAT_FUNCTIONS(T)                                                                                             \
    DEVFN T floored_remainder(T a, T b) {                                                                              \
        const T r = fmod(a, b);                                                                                        \
        if (r == 0) return copysign((T)0, b);                                                                          \
        return (r < 0) != (b < 0) ? r + b : r;                                                                         \
    }                                                                                                                  \
    DEVFN T floored_quotient(T a, T b) {                                                                               \
        if (b == 0) return a / b;                                                                                      \
        if (fabs(a) == (T)INFINITY) return (T)NAN;                                                                     \
        const T q = (a - floored_remainder(a, b)) / b;                                                                 \
        return q == 0 ? copysign((T)0, a / b) : floor(q) + (T)(q - floor(q) > (T)0.5f);                                \
    }                                                                                                                  \
    DEVFN T logistic(T x) {                                                                                            \
        const T e = exp(-fabs(x));                                                                                     \
        return (x < 0 ? e : (T)1) / ((T)1 + e);                                                                        \
    }                                                                                                                  \
    DEVFN T softplus_of(T x) {                                                                                         \
        return (x > 0 ? x : (T)0) + log1p(exp(-fabs(x)));                                                              \
    }
FLOAT_FUNCTIONS(f32)
#ifdef HAVE_F64
FLOAT_FUNCTIONS(f64)
#endif

/* Integers: division rounds down, by zero gives 0; powers wrap. */
#define WHOLE_FUNCTIONS(T, U)                                                                                          \
    DEVFN T floored_quotient(T a, T b) {                                                                               \
        if (b == 0) return 0;                                                                                          \
        if (b == (T)-1 && b < 0) return (T)(0 - (U)a);                                                                 \
        return (T)(a / b - (a % b != 0 && (a < 0) != (b < 0)));                                                        \
    }                                                                                                                  \
    DEVFN T floored_remainder(T a, T b) {                                                                              \
        if (b == 0 || (b == (T)-1 && b < 0)) return 0;                                                                 \
        const T r = (T)(a % b);                                                                                        \
        return r != 0 && (r < 0) != (b < 0) ? (T)(r + b) : r;                                                          \
    }                                                                                                                  \
    DEVFN T whole_power(T a, T b, GLOBAL fault *wrong, i64 site) {                                                     \
        U base = (U)a, r = 1;                                                                                          \
        if (b < 0 && wrong->site == 0) wrong->site = site;                                                             \
        for (; b > 0; b = (T)(b >> 1), base *= base)                                                                   \
            if (b & 1) r *= base;                                                                                      \
        return (T)r;                                                                                                   \
    }
WHOLE_FUNCTIONS(u8, u8)
WHOLE_FUNCTIONS(i32, u32)
WHOLE_FUNCTIONS(i64, u64)
