/* What the user typed in this session, numbered from 1 as the prompt counts. */
#include <string.h>

#include "base/mem.h"
#include "cell/array.h"
#include "session/internal.h"

/* Without memory for it the input still counts, and is empty. */
void session_add_input(struct session *s, const char *source, size_t n) {
    struct err unused = {0};
    char **place = ARRAY_PUSH(s->inputs, s->input_count, &unused);
    if (!place) return;
    *place = mem_alloc(n + 1, &unused);
    if (!*place) return;
    memcpy(*place, source, n);
    (*place)[n] = 0;
}

int session_input_count(const struct session *s) {
    return (int)s->input_count;
}

const char *session_input_at(const struct session *s, int number) {
    const char *input = s->inputs[number - 1];
    return input ? input : "";
}

void session_forget_inputs(struct session *s) {
    for (size_t i = 0; i < s->input_count; i++) mem_free(s->inputs[i]);
    mem_free(s->inputs);
    s->inputs = NULL;
    s->input_count = 0;
}
