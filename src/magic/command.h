/* Running commands of the shell, for %sh and %sx. */
#ifndef MAGIC_COMMAND_H
#define MAGIC_COMMAND_H

#include <stddef.h>

#include "base/err.h"

/* Takes what a command writes, errors among it, as it comes. */
typedef void command_output_fn(void *arg, const char *bytes, size_t n);

/* Runs `sh -c command` to its end, in a process group of its own; it reads nothing. Ctrl-C goes to it, and a second after it
 * does not end by that it is killed. *status is as the shell counts it: 128 + signal where one ended it. */
enum status command_run(const char *command, command_output_fn *take, void *arg, int *status, struct err *e);
/* The same on a terminal of its own, which has the size and the keys of the user's until it ends: standard input must be a
 * terminal. Ctrl-C is a key like others there; ERR_CANCELLED where the command ended by it. */
enum status command_run_on_terminal(const char *command, command_output_fn *take, void *arg, int *status,
                                    struct err *e);

#endif
