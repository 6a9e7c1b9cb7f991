/* What the files of run/ share. */
#ifndef RUN_INTERNAL_H
#define RUN_INTERNAL_H

#include "run/run.h"

/* A variable in a trace: the symbolic tensor that stands for its value, and what was last assigned. */
struct trace_variable {
    struct variable *variable; /* retained */
    struct tensor *input;      /* symbolic */
    struct tensor *current;    /* symbolic or concrete; `input` until assigned. Retained */
};

struct trace {
    struct graph *graph;
    int nvariable, variable_cap;
    struct trace_variable *variable;
    int ninput, input_cap;
    struct tensor **input; /* the explicit ones */
    int nslot, slot_cap;
    int *slot; /* by graph input: variable number, or -1 - input number */
    int symbol_cap;
    struct tensor **symbol; /* by graph value: the tensor that stands for it, retained; NULL where there is none */
};

/* Makes room for one more element of an array whose pointer is at `array`. */
enum status run_grow(void *array, int count, int *cap, size_t size, struct err *e);

/* Adds a call to the trace; out receives symbolic tensors. */
enum status trace_op(struct run *r, const struct op *op, struct tensor *const *in, int nin, const union op_attrs *a,
                     struct tensor **out, struct err *e);
/* The value of any tensor in the trace's graph: concrete ones become constants. -1 with the error set. */
int trace_value(struct run *r, struct tensor *t, struct err *e);
/* The trace's entry for a variable, made if needed; NULL with the error set. */
struct trace_variable *trace_variable(struct run *r, struct variable *v, struct err *e);

/* max_pool2d of an increasing function of x as that function of max_pool2d of x, which is smaller: sets `out` and returns
 * true where `in` is such a result. Goes through run_op, so that tapes record what is computed. */
bool trace_pool_first(struct run *r, const struct op *op, struct tensor *in, const union op_attrs *a,
                      struct tensor **out, struct err *e);

/* A program over the trace's graph, which it takes over with the variables and slots. */
enum status program_new(struct run *r, struct trace *t, int noutput, struct program **out, struct err *e);

/* Counts a call of a program; where its device adds their seconds, or NULL: nobody wants them. */
double *profile_call(struct run *r, struct program *p, struct err *e);

/* Counts a call of an op outside of programs. */
enum status profile_op(struct run *r, const struct op *op, double seconds, struct err *e);

/* ... and of a program on a device that cannot tell its nodes' times. */
enum status profile_whole(struct run *r, const struct program *p, double seconds, struct err *e);

/* Lists of counted names. */
enum status run_copy_names(const struct run_name *from, struct run_name **out, struct err *e);
void run_free_names(struct run_name **names);
unsigned long run_count_names(const struct run_name *names); /* all that were given */

/* From now on the recording snapshot hears of what is overwritten on this device. */
void run_watch_writes(struct run *r, struct device *d);

/* Releases the spare storages, so that a device holds nothing nobody needs. */
void variable_drop_spare(struct variable *v);

#endif
