/* What a headless run costs, cell by cell, in a file, and whether it is more than an older file says:
 *   {"celda_ledger": 1, "cells": [
 *     {"cell": 3, "title": "Train", "status": "ok", "time": 1.2, "cpu": 2.3, "ram": 401000000, "ram_change": 120000000,
 *      "disk_change": 0, "device": "cpu", "device_bytes": 0}]}
 * Seconds and bytes; "ram" is the process's peak while the cell ran. */
#ifndef FRONT_RUN_LEDGER_H
#define FRONT_RUN_LEDGER_H

#include "base/json.h"
#include "cell/notebook.h"
#include "session/session.h"

enum { RUN_LEDGER_FIGURES = 4 };

struct run_ledger {
    json_t *cells, *old; /* old: NULL without --against */
    const char *against;
    double limit[RUN_LEDGER_FIGURES]; /* what may be, as a multiple of what was; 0: anything */
};

/* `against` is the path of an older ledger, `limits` "time=1.2,ram=1.1"; both or neither are NULL. */
enum status run_ledger_open(struct run_ledger *l, const char *against, const char *limits, struct err *e);
void run_ledger_close(struct run_ledger *l);
void run_ledger_add(struct run_ledger *l, int number, const struct cell *c, const struct session_result *r);
enum status run_ledger_write(const struct run_ledger *l, const char *path, struct err *e);
/* How many figures are over their limits; each is a line in `out` that names the cell. What differs by less than 50 ms or
 * 10 MB is noise and counts as the same. */
int run_ledger_compare(const struct run_ledger *l, struct buf *out);

#endif
