#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Gives ExecuTorch's thread pool so many threads. The process has one pool; nothing may use it meanwhile, and whatever
/// was loaded before must not run any more. Returns false if the pool could not be made.
bool levit_set_threads(uint32_t threads);

#ifdef __cplusplus
}
#endif
