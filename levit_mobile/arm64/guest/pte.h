// A `.pte` in ExecuTorch's own runtime: what the programs share that serve one and that time one.
#ifndef LEVIT_MOBILE_PTE_H
#define LEVIT_MOBILE_PTE_H
#include <executorch/runtime/core/data_loader.h>
#include <executorch/runtime/executor/memory_manager.h>
#include <executorch/runtime/executor/method.h>
#include <executorch/runtime/executor/program.h>
#include <executorch/runtime/platform/runtime.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>  // also makes std::cerr ready for the wheel, which counts on a libstdc++ that does so by itself
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace et = executorch::runtime;
using executorch::aten::ScalarType;
using executorch::aten::Tensor;
using executorch::aten::TensorImpl;
using Bytes = std::vector<char>;

constexpr size_t ALIGNMENT = 64, ARENA = 8 << 20;  // bytes; the runtime's own objects take well below 1 MB

inline std::string coded(const char* sentence, et::Error error) {
  char code[16];
  snprintf(code, sizeof code, "0x%x", static_cast<unsigned>(error));
  return std::string(sentence) + " with ExecuTorch's error " + code;
}

// The file in memory, as the kernel maps it: only what is read is loaded.
struct Loader final : et::DataLoader {
  char* start = nullptr;
  size_t bytes = 0;
  explicit Loader(const char* path) {
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0 && !fstat(file, &about) && S_ISREG(about.st_mode) && about.st_size > 0) {
      void* mapped = mmap(nullptr, about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
      if (mapped != MAP_FAILED) start = static_cast<char*>(mapped), bytes = about.st_size;
    }
    if (file >= 0) close(file);
  }
  et::Result<et::FreeableBuffer> load(size_t offset, size_t size, const SegmentInfo&) const override {
    if (offset > bytes || size > bytes - offset) return et::Error::InvalidArgument;
    return et::FreeableBuffer(start + offset, size, nullptr);
  }
  et::Result<size_t> size() const override { return bytes; }
};

// Zeros that take no memory before they are written.
using Arena = std::unique_ptr<uint8_t, decltype(&free)>;
inline Arena arena() { return Arena(static_cast<uint8_t*>(calloc(1, ARENA)), free); }

// Memory as the program has planned it, and arenas for what the runtime makes.
struct Memory {
  std::vector<Bytes> planned;
  std::vector<et::Span<uint8_t>> spans;
  Arena objects = arena(), scratch = arena();
  et::MemoryAllocator object_arena{ARENA, objects.get()}, scratch_arena{ARENA, scratch.get()};
  std::unique_ptr<et::HierarchicalAllocator> buffers;
  std::unique_ptr<et::MemoryManager> manager;

  explicit Memory(const et::MethodMeta& method) {
    for (size_t i = 0; i < method.num_memory_planned_buffers(); i++) {
      size_t bytes = method.memory_planned_buffer_size(i).get();
      planned.emplace_back(bytes + ALIGNMENT);
      auto start = (reinterpret_cast<uintptr_t>(planned.back().data()) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
      spans.push_back({reinterpret_cast<uint8_t*>(start), bytes});
    }
    buffers = std::make_unique<et::HierarchicalAllocator>(et::Span<et::Span<uint8_t>>{spans.data(), spans.size()});
    manager = std::make_unique<et::MemoryManager>(&object_arena, buffers.get(), &scratch_arena);
  }
};

inline const char* name_of(ScalarType type) {
  switch (type) {
    case ScalarType::Float: return "float32";
    case ScalarType::Half: return "float16";
    case ScalarType::Char: return "int8";
    default: return nullptr;
  }
}

struct Input {
  std::vector<int32_t> sizes, strides;
  std::vector<uint8_t> order;
  ScalarType type;
  size_t bytes;

  explicit Input(const et::TensorInfo& info)
      : sizes(info.sizes().begin(), info.sizes().end()), strides(sizes.size()),
        order(info.dim_order().begin(), info.dim_order().end()), type(info.scalar_type()), bytes(info.nbytes()) {
    int32_t step = 1;
    for (size_t i = sizes.size(); i--;) strides[order[i]] = step, step *= sizes[order[i]];
  }
  // Values in memory as a tensor of this form; they must outlive the call.
  et::Error give(et::Method& method, void* values) {
    TensorImpl impl(type, sizes.size(), sizes.data(), values, order.data(), strides.data());
    return method.set_input(et::EValue(Tensor(&impl)), 0);
  }
};

// A program whose method `forward` is loaded; `refused` is the sentence where it is not.
struct Opened {
  Loader loader;
  std::optional<et::Result<et::Program>> program;
  std::optional<Memory> memory;
  std::optional<et::Result<et::Method>> method;
  std::optional<Input> input;
  std::string refused;

  explicit Opened(const char* path) : loader(path) { refused = open(); }

 private:
  std::string open() {
    if (!loader.start) return "it cannot be read, or is empty";
    program.emplace(et::Program::load(&loader));
    if (!program->ok()) return coded("it is refused", program->error());
    auto meta = (*program)->method_meta("forward");
    if (!meta.ok()) return coded("it has no method forward, and ends", meta.error());
    auto info = meta->input_tensor_meta(0);
    if (meta->num_inputs() != 1 || !info.ok() || !name_of(info->scalar_type())) {
      return "it does not take one picture of float32, float16 or int8";
    }
    memory.emplace(*meta);
    method.emplace((*program)->load_method("forward", memory->manager.get()));
    if (!method->ok()) return coded("its method is refused", method->error());
    input.emplace(*info);
    return "";
  }
};
#endif
