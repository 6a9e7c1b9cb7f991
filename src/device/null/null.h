/* The null device keeps shapes and counts bytes; what tests ask it is whether a schedule is right. */
#ifndef DEVICE_NULL_NULL_H
#define DEVICE_NULL_NULL_H

#include "graph/graph.h"
#include "tensor/device.h"

extern const struct device_driver device_driver_null;

/* Walks the graph with its plan: every node's inputs exist when it runs, their places hold them still, and its outputs
 * overwrite nothing that is read there or later. ERR_STATE names the two nodes. */
enum status null_check_schedule(const struct graph *g, const struct graph_plan *p, struct err *e);

#endif
