/* NVRTC, by dlopen. Products are not fused with sums unless a kernel says so, as on the other devices. */
#include "device/gpu/nvrtc.h"

#include <stdio.h>

#include "base/dl.h"
#include "base/mem.h"

static const char *const candidates[] = {
    "$CELDA_NVRTC",
    "$CONDA_PREFIX/lib/libnvrtc.so.13",
    "$CONDA_PREFIX/lib/libnvrtc.so.12",
    "libnvrtc.so.13",
    "libnvrtc.so.12",
    "$CUDA_HOME/lib64/libnvrtc.so",
    "/usr/local/cuda/lib64/libnvrtc.so",
    "/opt/cuda/lib64/libnvrtc.so",
    NULL,
};

enum status nvrtc_open(struct nvrtc *n, struct err *e) {
    struct buf tried = {0};
    void *library = dl_open_any(candidates, &tried);
    bool whole = library != NULL;
#define LOOK_UP(result, name, parameters) whole = whole && dl_symbol(library, #name, &n->name);
    NVRTC_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    if (!whole)
        err_set(e, ERR_UNSUPPORTED, "%s; tried\n%s", library ? "NVRTC is older than 11.2" : "no NVRTC library",
                buf_text(&tried));
    else
        n->nvrtcVersion(&n->major, &n->minor);
    buf_free(&tried);
    return e->status;
}

int nvrtc_architecture(const struct nvrtc *n, int capability) {
    int known[128], count = 0, best = 0;
    if (n->nvrtcGetNumSupportedArchs(&count) || count > 128 || n->nvrtcGetSupportedArchs(known)) return 0;
    for (int i = 0; i < count; i++)
        if (known[i] <= capability && known[i] > best) best = known[i];
    return best;
}

void nvrtc_options(int architecture, bool ptx, char *text, size_t cap) {
    snprintf(text, cap, "--gpu-architecture=%s_%d", ptx ? "compute" : "sm", architecture);
}

static enum status compile_failed(const struct nvrtc *n, nvrtcProgram p, const char *name, nvrtcResult code,
                                  struct err *e) {
    size_t size = 0;
    n->nvrtcGetProgramLogSize(p, &size);
    char *log = mem_zalloc(size + 1, NULL);
    if (log) n->nvrtcGetProgramLog(p, log);
    err_set(e, ERR_STATE, "nvrtc: kernel %s: %s\n%.600s", name, n->nvrtcGetErrorString(code), log ? log : "");
    mem_free(log);
    return e->status;
}

static nvrtcResult read_result(const struct nvrtc *n, nvrtcProgram p, bool ptx, struct buf *out) {
    size_t size = 0;
    nvrtcResult code = ptx ? n->nvrtcGetPTXSize(p, &size) : n->nvrtcGetCUBINSize(p, &size);
    char *room = code ? NULL : buf_room(out, size);
    if (!room) return code;
    code = ptx ? n->nvrtcGetPTX(p, room) : n->nvrtcGetCUBIN(p, room);
    if (!code) out->len += size;
    return code;
}

enum status nvrtc_compile(const struct nvrtc *n, const char *source, const char *name, int architecture, bool ptx,
                          struct buf *out, struct err *e) {
    char target[48];
    nvrtcProgram p;
    nvrtc_options(architecture, ptx, target, sizeof target);
    const char *const options[] = {target, "--fmad=false", "--disable-warnings"};
    nvrtcResult code = n->nvrtcCreateProgram(&p, source, name, 0, NULL, NULL);
    if (code) return err_set(e, ERR_STATE, "nvrtc: kernel %s: %s", name, n->nvrtcGetErrorString(code));
    code = n->nvrtcCompileProgram(p, sizeof options / sizeof *options, options);
    if (!code) code = read_result(n, p, ptx, out);
    if (code) compile_failed(n, p, name, code, e);
    n->nvrtcDestroyProgram(&p);
    return e->status == OK ? buf_status(out, e) : e->status;
}
