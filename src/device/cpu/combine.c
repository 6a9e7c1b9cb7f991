/* Which steps of a fused region run as one loop of isa/combined.c. Invariant: what such a loop keeps to itself is read by
 * nobody else. */
#include <string.h>

#include "device/cpu/cpu.h"
#include "graph/graph.h"

/* Whether nobody reads step s's result but steps up to `last`. */
static bool stays(const struct graph_fused *f, int nin, int s, int last) {
    for (int i = 0; i < f->nout; i++)
        if (f->out[i] == s) return false;
    for (int k = last + 1; k < f->nstep; k++)
        for (int i = 0; i < f->step[k].nin; i++)
            if (f->step[k].in[i] == nin + s) return false;
    return true;
}

/* Whether value v is what the combination's step calls `name`; notes which value an operand is. */
static bool is_named(char name, int v, int nin, int first, int operand[CPU_COMBINED]) {
    if (name < 'a') return v == nin + first + (name - '0');
    if (v >= nin + first) return false;
    int *named = &operand[name - 'a'];
    if (*named >= 0) return *named == v;
    *named = v;
    return true;
}

static bool fits(const struct cpu_combination *c, const struct graph_fused *f, int nin, int first,
                 int operand[CPU_COMBINED]) {
    const int last = first + c->nstep - 1;
    for (int i = 0; i < CPU_COMBINED; i++) operand[i] = -1;
    for (int s = 0; s < c->nstep; s++) {
        const struct graph_step *step = &f->step[first + s];
        if (strcmp(step->op->name, c->step[s].op) != 0 || step->dtype != f->step[last].dtype) return false;
        for (int i = 0; i < step->nin; i++)
            if (!is_named(c->step[s].in[i], step->in[i], nin, first, operand)) return false;
        if (first + s < last && !stays(f, nin, first + s, last)) return false;
    }
    return c->loops.fn[f->step[last].dtype] != NULL;
}

const struct cpu_combination *cpu_combination_of(const struct cpu *c, const struct graph_fused *f, int nin, int first,
                                                 int operand[CPU_COMBINED]) {
    for (const struct cpu_combination *p = c->isa->combinations; p->nstep; p++)
        if (first + p->nstep <= f->nstep && fits(p, f, nin, first, operand)) return p;
    return NULL;
}
