/* Writing a safetensors file on a thread of its own, while the session goes on. */
#ifndef TENSOR_SAVE_JOB_H
#define TENSOR_SAVE_JOB_H

#include "tensor/safetensors.h"

struct save_job;

/* Starts safetensors_save_checked. The tensors must be contiguous; until they are written those of `cpu` are held
 * (storage_hold), others are copied there first. `metadata` is taken over, also after an error. */
enum status save_job_start(struct device *cpu, const char *path, const struct safetensors_entry *entry, int count,
                           json_t *metadata, struct save_job **out, struct err *e);
bool save_job_done(const struct save_job *j);
/* Waits for it, frees it (NULL is fine), and returns its error. On the thread that started it. */
enum status save_job_finish(struct save_job *j, struct err *e);

#endif
