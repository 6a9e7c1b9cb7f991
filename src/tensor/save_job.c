/* One file, one thread. Invariant: the thread reads what it was given and allocates nothing but small texts; references are
 * given back by who started it, since giving back a last one may reach into a Lua state. */
#include "tensor/save_job.h"

#include <pthread.h>

#include "base/mem.h"
#include "base/threads.h"
#include "tensor/device.h"

struct save_job {
    pthread_t thread;
    atomic_bool done;
    char *path;
    int count;
    struct safetensors_entry *entry; /* each of the cpu's, retained and, until the end, held */
    json_t *metadata;
    struct err err;
};

static void *write_file(void *arg) {
    struct save_job *j = arg;
    safetensors_save_checked(j->path, j->entry, j->count, j->metadata, &j->err);
    for (int i = 0; i < j->count; i++) storage_let_go(j->entry[i].tensor->storage);
    atomic_store(&j->done, true);
    return NULL;
}

static void release(struct save_job *j) {
    for (int i = 0; i < j->count; i++) {
        mem_free(j->entry[i].name);
        tensor_release(j->entry[i].tensor);
    }
    mem_free(j->entry);
    mem_free(j->path);
    json_decref(j->metadata);
    mem_free(j);
}

/* t on the cpu, a reference. */
static enum status on_cpu(struct device *cpu, struct tensor *t, struct tensor **out, struct err *e) {
    if (tensor_device(t) == cpu) {
        *out = tensor_retain(t);
        return OK;
    }
    if (tensor_new(cpu, t->dtype, &t->shape, out, e)) return e->status;
    if (tensor_read(t, tensor_data(*out), e)) {
        tensor_release(*out);
        *out = NULL;
    }
    return e->status;
}

static enum status add_entry(struct save_job *j, struct device *cpu, const struct safetensors_entry *from,
                             struct err *e) {
    struct safetensors_entry *to = &j->entry[j->count];
    to->name = mem_strdup(from->name, e);
    if (!to->name) return e->status;
    j->count++;
    return on_cpu(cpu, from->tensor, &to->tensor, e);
}

enum status save_job_start(struct device *cpu, const char *path, const struct safetensors_entry *entry, int count,
                           json_t *metadata, struct save_job **out, struct err *e) {
    struct save_job *j = mem_zalloc(sizeof *j, e);
    if (!j) {
        json_decref(metadata);
        return e->status;
    }
    j->metadata = metadata;
    j->path = mem_strdup(path, e);
    j->entry = mem_zalloc(sizeof *j->entry * (size_t)(count + 1), e);
    for (int i = 0; i < count && !e->status; i++) add_entry(j, cpu, &entry[i], e);
    if (e->status) {
        release(j);
        return e->status;
    }
    for (int i = 0; i < count; i++) storage_hold(j->entry[i].tensor->storage);
    if (threads_start(&j->thread, write_file, j)) {
        for (int i = 0; i < count; i++) storage_let_go(j->entry[i].tensor->storage);
        release(j);
        return err_set(e, ERR_STATE, "cannot start a thread to write '%s'", path);
    }
    *out = j;
    return OK;
}

bool save_job_done(const struct save_job *j) {
    return atomic_load(&j->done);
}

enum status save_job_finish(struct save_job *j, struct err *e) {
    if (!j) return OK;
    pthread_join(j->thread, NULL);
    enum status status = j->err.status;
    if (status) err_set(e, status, "%s", j->err.text);
    release(j);
    return status;
}
