// Serves a `.pte` on stdin and stdout with ExecuTorch's own runtime, without Python: program FILE
//
// Messages are those of runners/tflite_runtime_child.py: header length, body length (uint32 each, big-endian), a header
// in JSON, a body in `.npy`. The first one asks for the program's input and is answered with {"shape", "dtype"}, or
// {"error"}. Then a body is a picture, and is answered with the logits; one without values asks for the counts to be
// written, and is answered with /proc/self/maps. Every inference stands between marks for counting.c, and so does every
// call of a delegate: it is handed to the runtime in a wrapper, which needs nothing of the delegate but its interface.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <executorch/runtime/backend/interface.h>
#include <executorch/runtime/core/data_loader.h>
#include <executorch/runtime/executor/memory_manager.h>
#include <executorch/runtime/executor/method.h>
#include <executorch/runtime/executor/program.h>
#include <executorch/runtime/platform/runtime.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>  // also makes std::cerr ready for the wheel, which counts on a libstdc++ that does so by itself
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace et = executorch::runtime;
using executorch::aten::ScalarType;
using executorch::aten::Tensor;
using executorch::aten::TensorImpl;
using Bytes = std::vector<char>;

constexpr long MARK = 0x4c655669;
enum Edge { INFERENCE_BEGINS, INFERENCE_ENDS, DELEGATE_BEGINS, DELEGATE_ENDS, WRITE };
constexpr size_t ALIGNMENT = 64, ARENA = 8 << 20;  // bytes; the runtime's own objects take well below 1 MB

static void mark(Edge edge) { syscall(SYS_getpriority, MARK, edge); }

// The delegate between two marks.

class Marked final : public et::BackendInterface {
 public:
  et::BackendInterface* inner = nullptr;
  bool is_available() const override { return inner->is_available(); }
  et::Result<et::DelegateHandle*> init(et::BackendInitContext& context, et::FreeableBuffer* processed,
                                       et::ArrayRef<et::CompileSpec> specs) const override {
    return inner->init(context, processed, specs);
  }
  et::Error execute(et::BackendExecutionContext& context, et::DelegateHandle* handle,
                    et::Span<et::EValue*> args) const override {
    mark(DELEGATE_BEGINS);
    et::Error error = inner->execute(context, handle, args);
    mark(DELEGATE_ENDS);
    return error;
  }
  void destroy(et::DelegateHandle* handle) const override { inner->destroy(handle); }
};

namespace executorch::ET_RUNTIME_NAMESPACE {
// Found before the runtime's own of this name, because the program comes before its libraries.
BackendInterface* get_backend_class(const char* name) {
  using Get = BackendInterface* (*)(const char*);
  static const auto get = reinterpret_cast<Get>(dlsym(RTLD_NEXT, "_ZN10executorch7runtime17get_backend_classEPKc"));
  static Marked marked;
  BackendInterface* found = get(name);
  if (!found) return nullptr;
  if (marked.inner && marked.inner != found) return found;  // a second delegate is not counted as one
  marked.inner = found;
  return &marked;
}
}  // namespace executorch::ET_RUNTIME_NAMESPACE

// Messages.

static int answers = -1;

[[noreturn]] static void leave() { _exit(0); }  // the other end is gone: nobody is left to tell

static void get(void* target, size_t bytes) {
  for (char* at = static_cast<char*>(target); bytes;) {
    ssize_t n = read(STDIN_FILENO, at, bytes);
    if (n <= 0) leave();
    at += n, bytes -= n;
  }
}

static void put(const void* source, size_t bytes) {
  for (const char* at = static_cast<const char*>(source); bytes;) {
    ssize_t n = write(answers, at, bytes);
    if (n <= 0) leave();
    at += n, bytes -= n;
  }
}

// The values in a `.npy` of version 1 or 2; empty for what is none.
static Bytes values_of(const Bytes& npy) {
  if (npy.size() < 12 || memcmp(npy.data(), "\x93NUMPY", 6)) return {};
  const auto* head = reinterpret_cast<const unsigned char*>(npy.data());
  size_t start = head[6] == 1 ? 10 + head[8] + 256 * head[9] : 12 + head[8] + 256 * head[9];
  return start > npy.size() ? Bytes{} : Bytes(npy.begin() + start, npy.end());
}

static Bytes npy_of(const std::string& type, size_t count, const void* values, size_t bytes) {
  std::string head = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + std::to_string(count) + ",), }";
  head.resize((10 + head.size() + 1 + 63) / 64 * 64 - 11, ' ');
  head += '\n';
  Bytes npy = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, char(head.size() & 255), char(head.size() >> 8)};
  npy.insert(npy.end(), head.begin(), head.end());
  npy.insert(npy.end(), static_cast<const char*>(values), static_cast<const char*>(values) + bytes);
  return npy;
}

static Bytes receive() {
  uint32_t lengths[2];
  get(lengths, sizeof lengths);
  Bytes header(ntohl(lengths[0])), body(ntohl(lengths[1]));
  get(header.data(), header.size());
  get(body.data(), body.size());
  return values_of(body);
}

static void send(const std::string& header, const Bytes& body) {
  uint32_t lengths[2] = {htonl(header.size()), htonl(body.size())};
  put(lengths, sizeof lengths);
  put(header.data(), header.size());
  put(body.data(), body.size());
}

static void send(const std::string& header) { send(header, npy_of("|u1", 0, "", 0)); }

static void refuse(const std::string& sentence) { send("{\"error\": \"" + sentence + "\"}"); }

static std::string coded(const char* sentence, et::Error error) {
  char code[16];
  snprintf(code, sizeof code, "0x%x", static_cast<unsigned>(error));
  return std::string(sentence) + " with ExecuTorch's error " + code;
}

// The program.

struct Loader final : et::DataLoader {
  const Bytes& file;
  std::unique_ptr<char, decltype(&free)> aligned;
  explicit Loader(const Bytes& file)
      : file(file), aligned(static_cast<char*>(aligned_alloc(ALIGNMENT, (file.size() / ALIGNMENT + 1) * ALIGNMENT)), free) {
    memcpy(aligned.get(), file.data(), file.size());
  }
  et::Result<et::FreeableBuffer> load(size_t offset, size_t size, const SegmentInfo&) const override {
    if (offset > file.size() || size > file.size() - offset) return et::Error::InvalidArgument;
    return et::FreeableBuffer(aligned.get() + offset, size, nullptr);
  }
  et::Result<size_t> size() const override { return file.size(); }
};

// Memory as the program has planned it, and arenas for what the runtime makes.
struct Memory {
  std::vector<Bytes> planned;
  std::vector<et::Span<uint8_t>> spans;
  Bytes objects = Bytes(ARENA), scratch = Bytes(ARENA);
  et::MemoryAllocator object_arena{ARENA, reinterpret_cast<uint8_t*>(objects.data())};
  et::MemoryAllocator scratch_arena{ARENA, reinterpret_cast<uint8_t*>(scratch.data())};
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

static const char* name_of(ScalarType type) {
  switch (type) {
    case ScalarType::Float: return "float32";
    case ScalarType::Half: return "float16";
    case ScalarType::Char: return "int8";
    default: return nullptr;
  }
}

static const char* code_of(ScalarType type) {
  return type == ScalarType::Float ? "<f4" : type == ScalarType::Half ? "<f2" : "|i1";
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
  std::string described() const {
    std::string shape;
    for (int32_t size : sizes) shape += (shape.empty() ? "" : ", ") + std::to_string(size);
    return "{\"shape\": [" + shape + "], \"dtype\": \"" + name_of(type) + "\"}";
  }
};

static void infer(et::Method& method, Input& input, Bytes& values) {
  if (values.size() != input.bytes) {
    return refuse("the input has " + std::to_string(values.size()) + " bytes, expected " + std::to_string(input.bytes));
  }
  TensorImpl impl(input.type, input.sizes.size(), input.sizes.data(), values.data(), input.order.data(),
                  input.strides.data());
  et::Error error = method.set_input(et::EValue(Tensor(&impl)), 0);
  if (error != et::Error::Ok) return refuse(coded("the input was refused", error));
  mark(INFERENCE_BEGINS);
  error = method.execute();
  mark(INFERENCE_ENDS);
  if (error != et::Error::Ok) return refuse(coded("it stopped", error));
  Tensor logits = method.get_output(0).toTensor();
  if (!name_of(logits.scalar_type())) return refuse("its output is of a type that is not known here");
  send("{}", npy_of(code_of(logits.scalar_type()), logits.numel(), logits.const_data_ptr(), logits.nbytes()));
}

static void serve(et::Method& method, Input& input) {
  send(input.described());
  for (;;) {
    Bytes values = receive();
    if (!values.empty()) {
      infer(method, input, values);
      continue;
    }
    mark(WRITE);
    std::ifstream stream("/proc/self/maps");
    Bytes maps{std::istreambuf_iterator<char>(stream), {}};
    send("{}", npy_of("|u1", maps.size(), maps.data(), maps.size()));
  }
}

static void run(const char* path) {
  std::ifstream stream(path, std::ios::binary);
  Bytes file{std::istreambuf_iterator<char>(stream), {}};
  receive();
  if (!stream.is_open() || file.empty()) return refuse("it cannot be read, or is empty");
  Loader loader(file);
  auto program = et::Program::load(&loader);
  if (!program.ok()) return refuse(coded("it is refused", program.error()));
  auto meta = program->method_meta("forward");
  if (!meta.ok()) return refuse(coded("it has no method forward, and ends", meta.error()));
  auto info = meta->input_tensor_meta(0);
  if (meta->num_inputs() != 1 || !info.ok() || !name_of(info->scalar_type())) {
    return refuse("it does not take one picture of float32, float16 or int8");
  }
  Memory memory(*meta);
  auto method = program->load_method("forward", memory.manager.get());
  if (!method.ok()) return refuse(coded("its method is refused", method.error()));
  Input input(*info);
  serve(*method, input);
}

int main(int count, char** words) {
  if (count != 2) return 2;
  signal(SIGINT, SIG_IGN);  // Ctrl-C reaches the whole group; the parent decides
  answers = dup(STDOUT_FILENO);
  dup2(STDERR_FILENO, STDOUT_FILENO);  // what the runtime prints is no answer
  et::runtime_init();
  run(words[1]);
}
