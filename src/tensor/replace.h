/* What a file of tensors may take the place of: one of its own kind. Anything else is somebody's work. */
#ifndef TENSOR_REPLACE_H
#define TENSOR_REPLACE_H

#include "base/err.h"

enum file_kind { FILE_WEIGHTS, FILE_SESSION, FILE_NPY, FILE_NPZ, FILE_KINDS };

/* ERR_IO where there is a file of another kind under the path, told by its first bytes; none and an empty one are fine. To
 * be asked before anything is written there. */
enum status replace_check(const char *path, enum file_kind kind, struct err *e);

#endif
