// ExecuTorch's thread pool under the vendor's names, over the library that the environment variable LEVIT_EXECUTORCH
// names. The names are hidden: the library has its own.

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>

#define HIDDEN __attribute__((visibility("hidden")))

namespace executorch::extension::threadpool {
class HIDDEN ThreadPool {
 public:
  bool _unsafe_reset_threadpool(uint32_t num_threads);
};
HIDDEN ThreadPool* get_threadpool();
}  // namespace executorch::extension::threadpool

namespace executorch::extension::threadpool {

ThreadPool* get_threadpool() {
  static ThreadPool pool;
  return &pool;
}

// Opening a module with a number of threads resizes the pool, also where there is no file.
bool ThreadPool::_unsafe_reset_threadpool(uint32_t num_threads) {
  const char* path = std::getenv("LEVIT_EXECUTORCH");
  void* library = path == nullptr ? nullptr : dlopen(path, RTLD_LAZY);
  if (library == nullptr) return false;
  const auto open = reinterpret_cast<void* (*)(const char*, int)>(dlsym(library, "twin_open"));
  const auto close = reinterpret_cast<void (*)(void*)>(dlsym(library, "twin_close"));
  if (open == nullptr || close == nullptr) return false;
  close(open("", static_cast<int>(num_threads)));
  return true;
}

}  // namespace executorch::extension::threadpool
