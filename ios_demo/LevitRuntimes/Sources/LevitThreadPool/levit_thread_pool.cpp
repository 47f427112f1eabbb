// ExecuTorch's Swift interface cannot set the number of threads; its C++ interface can. The declarations are those of
// extension/threadpool/threadpool.h of ExecuTorch 1.4.1, which is not among the headers of the vendor's package.

#include "levit_thread_pool.h"

namespace executorch::extension::threadpool {
class ThreadPool {
 public:
  bool _unsafe_reset_threadpool(uint32_t num_threads);
};
ThreadPool* get_threadpool();
}  // namespace executorch::extension::threadpool

bool levit_set_threads(uint32_t threads) {
  auto* pool = executorch::extension::threadpool::get_threadpool();
  return pool != nullptr && pool->_unsafe_reset_threadpool(threads);
}
