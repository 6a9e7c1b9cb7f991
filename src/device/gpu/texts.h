/* The texts in kernels/, which the Makefile puts into the binary. */
#ifndef DEVICE_GPU_TEXTS_H
#define DEVICE_GPU_TEXTS_H

struct gpu_text {
    const char *name; /* of the file, without ".cl" */
    const char *text;
};
extern const struct gpu_text gpu_texts[]; /* ends with a NULL name */

#endif
