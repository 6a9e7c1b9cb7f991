/* Which known name a mistyped one is taken for, and which are words of their own. */
#include "base/nearest.h"
#include "support/test.h"

static const char *const names[] = {"Adam",          "mse",   "sqrt", "ndim",   "relu",    "take",  "rawget",
                                    "run",           "axis",  "cpu",  "Conv2D", "mean",    "units", "MaxPooling2D",
                                    "learning_rate", "int64", "zero", "exp",    "Dropout", NULL};

static void one_mistake_in_a_word(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"adma", "Adam"},     {"adem", "Adam"},       {"ADAM", "Adam"},
        {"adamm", "Adam"},    {"relo", "relu"},       {"rn", "run"},
        {"axs", "axis"},      {"unit", "units"},      {"cpuu", "cpu"},
        {"ruun", "run"},      {"mes", "mse"},         {"int6", "int64"},
        {"conv2d", "Conv2D"}, {"dropuot", "Dropout"}, {"lerning_rat", "learning_rate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(nearest(cases[i][0], names), cases[i][1]);
}

static void other_words(void **state) {
    (void)state;
    static const char *const words[] = {"mae",    "adamw",  "nadam",  "Adamax",       "sort", "norm", "range",
                                        "median", "cumsum", "Conv1D", "MaxPooling1D", "tile", "x",    ""};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *near = nearest(words[i], names);
        if (near) fail_msg("%s is taken for %s", words[i], near);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_mistake_in_a_word), cmocka_unit_test(other_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
