/* Places in strided operands. A walk's dimensions were joined by the host; the outermost needs no division. */
#define WALK(N)                                                                                                        \
    typedef struct {                                                                                                   \
        i64 rank, dim[8], stride[N][8];                                                                                \
    } walk_##N;
WALK(1)
WALK(2)
WALK(3)
WALK(4)

/* Adds to `at` where element `index` of the walk's operand 0 lies. */
#define WALK_ONE(walk, index, at)                                                                                      \
    {                                                                                                                  \
        i64 rest_ = (index);                                                                                           \
        for (int d_ = (int)walk.rank - 1; d_ > 0; d_--) {                                                              \
            const i64 q_ = rest_ / walk.dim[d_];                                                                       \
            at += (rest_ - q_ * walk.dim[d_]) * walk.stride[0][d_];                                                    \
            rest_ = q_;                                                                                                \
        }                                                                                                              \
        at += rest_ * walk.stride[0][0];                                                                               \
    }
