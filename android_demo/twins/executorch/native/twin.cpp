// A C interface over ExecuTorch's Program and Method, whose headers and code are in the wheel of executorch. It does
// what extension/android/jni/jni_layer.cpp of ExecuTorch 1.4.1 does with a Module, and copies no output.

#include <executorch/runtime/core/data_loader.h>
#include <executorch/runtime/executor/memory_manager.h>
#include <executorch/runtime/executor/method.h>
#include <executorch/runtime/executor/program.h>
#include <executorch/runtime/platform/runtime.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// From extension/threadpool/threadpool.h, which includes a header that the wheel does not have.
namespace executorch::extension::threadpool {
class ThreadPool {
 public:
  bool _unsafe_reset_threadpool(uint32_t new_thread_count);
};
ThreadPool* get_threadpool();
}  // namespace executorch::extension::threadpool

using executorch::aten::ScalarType;
using executorch::aten::Tensor;
using executorch::aten::TensorImpl;
using executorch::extension::threadpool::get_threadpool;
using executorch::runtime::DataLoader;
using executorch::runtime::Error;
using executorch::runtime::EValue;
using executorch::runtime::FreeableBuffer;
using executorch::runtime::HierarchicalAllocator;
using executorch::runtime::MemoryAllocator;
using executorch::runtime::MemoryManager;
using executorch::runtime::Method;
using executorch::runtime::Program;
using executorch::runtime::Result;
using executorch::runtime::Span;

namespace {

constexpr int kMaxRank = 8;
constexpr size_t kAlignment = 64;

// One tensor as it crosses the interface: the element type is ExecuTorch's number for it.
struct View {
  int32_t type;
  int32_t rank;
  void* data;
  int64_t bytes;
  int32_t sizes[kMaxRank];
};

// A file in memory, mapped as LOAD_MODE_MMAP does.
class MappedFile final : public DataLoader {
 public:
  MappedFile(void* start, size_t bytes) : start_(start), bytes_(bytes) {}
  ~MappedFile() override { munmap(start_, bytes_); }

  static std::unique_ptr<MappedFile> open(const char* path) {
    const int file = ::open(path, O_RDONLY);
    struct stat facts {};
    if (file < 0 || fstat(file, &facts) != 0) return nullptr;
    void* start = mmap(nullptr, facts.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    ::close(file);
    return start == MAP_FAILED ? nullptr : std::make_unique<MappedFile>(start, facts.st_size);
  }

  Result<FreeableBuffer> load(size_t offset, size_t size, const SegmentInfo&) const override {
    if (offset > bytes_ || size > bytes_ - offset) return Error::InvalidArgument;
    return FreeableBuffer(static_cast<char*>(start_) + offset, size, nullptr);
  }
  Result<size_t> size() const override { return bytes_; }

 private:
  void* start_;
  size_t bytes_;
};

// Takes every piece from the heap, as Module's allocator does, and frees all at once.
class HeapAllocator final : public MemoryAllocator {
 public:
  HeapAllocator() : MemoryAllocator(0, nullptr) {}
  ~HeapAllocator() override { reset(); }

  void* allocate(size_t size, size_t alignment) override {
    const size_t step = std::max(alignment, kAlignment);
    void* piece = std::aligned_alloc(step, (size + step - 1) / step * step + step);
    pieces_.push_back(piece);
    return piece;
  }
  void reset() override {
    for (void* piece : pieces_) std::free(piece);
    pieces_.clear();
  }

 private:
  std::vector<void*> pieces_;
};

struct LoadedMethod {
  HeapAllocator planned, kept, temporary;
  std::vector<Span<uint8_t>> spans;
  std::unique_ptr<HierarchicalAllocator> planned_memory;
  std::unique_ptr<MemoryManager> manager;
  std::optional<Method> method;
};

struct Module {
  std::unique_ptr<MappedFile> file;
  std::optional<Program> program;
  std::string name;
  std::unique_ptr<LoadedMethod> loaded;

  Error load() {
    if (program) return Error::Ok;
    if (!file) return Error::AccessFailed;
    auto found = Program::load(file.get());
    if (!found.ok()) return found.error();
    program.emplace(std::move(found.get()));
    return Error::Ok;
  }

  Error load_method(const std::string& wanted) {
    if (loaded && name == wanted) return Error::Ok;
    if (const Error error = load(); error != Error::Ok) return error;
    auto facts = program->method_meta(wanted.c_str());
    if (!facts.ok()) return facts.error();
    auto made = std::make_unique<LoadedMethod>();
    for (size_t i = 0; i < facts->num_memory_planned_buffers(); i++) {
      const size_t bytes = facts->memory_planned_buffer_size(i).get();
      made->spans.push_back({static_cast<uint8_t*>(made->planned.allocate(bytes, kAlignment)), bytes});
    }
    made->planned_memory =
        std::make_unique<HierarchicalAllocator>(Span<Span<uint8_t>>{made->spans.data(), made->spans.size()});
    made->manager = std::make_unique<MemoryManager>(&made->kept, made->planned_memory.get(), &made->temporary);
    auto found = program->load_method(wanted.c_str(), made->manager.get());
    if (!found.ok()) return found.error();
    made->method.emplace(std::move(found.get()));
    loaded = std::move(made);
    name = wanted;
    return Error::Ok;
  }
};

Module& of(void* handle) { return *static_cast<Module*>(handle); }

int code(Error error) { return static_cast<int>(error); }

Error set_input(Method& method, size_t index, View& view) {
  std::vector<executorch::aten::SizesType> sizes(view.sizes, view.sizes + view.rank);
  std::vector<executorch::aten::DimOrderType> order(view.rank);
  for (int i = 0; i < view.rank; i++) order[i] = i;
  TensorImpl tensor(static_cast<ScalarType>(view.type), view.rank, sizes.data(), view.data, order.data());
  return method.set_input(EValue(Tensor(&tensor)), index);
}

}  // namespace

extern "C" {

// Neither reads the program, nor fails where the file cannot be read: Module's constructor does not either.
void* twin_open(const char* path, int threads) {
  executorch::runtime::runtime_init();
  if (threads > 0) get_threadpool()->_unsafe_reset_threadpool(threads);
  auto* made = new Module;
  made->file = MappedFile::open(path);
  return made;
}

// Sets the number of the program's methods.
int twin_load(void* handle, int* methods) {
  const Error error = of(handle).load();
  *methods = error == Error::Ok ? static_cast<int>(of(handle).program->num_methods()) : 0;
  return code(error);
}

const char* twin_method(void* handle, int index) { return of(handle).program->get_method_name(index).get(); }

// The name of a method's backend; null behind the last one.
const char* twin_backend(void* handle, const char* method, int index) {
  auto facts = of(handle).program->method_meta(method);
  if (!facts.ok() || static_cast<size_t>(index) >= facts->num_backends()) return nullptr;
  return facts->get_backend_name(index).get();
}

int twin_load_method(void* handle, const char* method) { return code(of(handle).load_method(method)); }

// Sets the number of outputs.
int twin_execute(void* handle, const char* name, View* inputs, int count, int* outputs) {
  if (const Error error = of(handle).load_method(name); error != Error::Ok) return code(error);
  Method& method = *of(handle).loaded->method;
  if (static_cast<size_t>(count) != method.inputs_size()) return code(Error::InvalidArgument);
  for (int i = 0; i < count; i++) {
    if (const Error error = set_input(method, i, inputs[i]); error != Error::Ok) return code(error);
  }
  *outputs = static_cast<int>(method.outputs_size());
  return code(method.execute());
}

// A view of an output in the method's own memory, which the next execution overwrites. Type -1: not a tensor.
void twin_output(void* handle, int index, View* view) {
  const EValue& value = of(handle).loaded->method->get_output(index);
  view->type = -1;
  if (!value.isTensor()) return;
  const Tensor tensor = value.toTensor();
  view->type = static_cast<int32_t>(tensor.scalar_type());
  view->rank = static_cast<int32_t>(tensor.dim());
  view->data = tensor.mutable_data_ptr<void>();
  view->bytes = static_cast<int64_t>(tensor.nbytes());
  for (int i = 0; i < view->rank; i++) view->sizes[i] = tensor.size(i);
}

void twin_close(void* handle) { delete static_cast<Module*>(handle); }

}  // extern "C"
