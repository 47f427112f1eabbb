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
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "pte.h"

constexpr long MARK = 0x4c655669;
enum Edge { INFERENCE_BEGINS, INFERENCE_ENDS, DELEGATE_BEGINS, DELEGATE_ENDS, WRITE };

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

// The program.

static const char* code_of(ScalarType type) {
  return type == ScalarType::Float ? "<f4" : type == ScalarType::Half ? "<f2" : "|i1";
}

static std::string described(const Input& input) {
  std::string shape;
  for (int32_t size : input.sizes) shape += (shape.empty() ? "" : ", ") + std::to_string(size);
  return "{\"shape\": [" + shape + "], \"dtype\": \"" + name_of(input.type) + "\"}";
}

static void infer(et::Method& method, Input& input, Bytes& values) {
  if (values.size() != input.bytes) {
    return refuse("the input has " + std::to_string(values.size()) + " bytes, expected " + std::to_string(input.bytes));
  }
  et::Error error = input.give(method, values.data());
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
  send(described(input));
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
  receive();
  Opened opened(path);
  if (!opened.refused.empty()) return refuse(opened.refused);
  serve(**opened.method, *opened.input);
}

int main(int count, char** words) {
  if (count != 2) return 2;
  signal(SIGINT, SIG_IGN);  // Ctrl-C reaches the whole group; the parent decides
  answers = dup(STDOUT_FILENO);
  dup2(STDERR_FILENO, STDOUT_FILENO);  // what the runtime prints is no answer
  et::runtime_init();
  run(words[1]);
}
