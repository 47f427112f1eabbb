// Times a `.pte` with ExecuTorch's own runtime: see words.c for the words.
#include "../pte.h"

#include <cstring>

#include "../pool.h"
#include "bench.h"
#include "common.h"

#ifndef RUNTIME
#define RUNTIME "ExecuTorch"
#endif

static std::optional<Opened> opened;
static Bytes values;  // the input's; the method may use its own copy for something else after a run
static form input_form;
static std::vector<form> output_forms;

static form form_of(ScalarType type, size_t bytes, const int32_t* sizes, size_t rank) {
  size_t element_bytes;
  form found = {};
  found.dtype = dtype_named(name_of(type), &element_bytes);
  found.bytes = bytes;
  found.rank = rank;
  for (size_t i = 0; i < rank; i++) found.sizes[i] = sizes[i];
  return found;
}

static int load(const words* asked) {
  if (asked->float16) {
    return because("the arithmetic of a .pte is fixed when it is converted: convert a model with float16 instead");
  }
  pool_threads(asked->threads);
  opened.emplace(asked->model);
  if (!opened->refused.empty()) return because("ExecuTorch cannot load the model: %s", opened->refused.c_str());
  Input& input = *opened->input;
  if (input.sizes.size() > MOST_DIMENSIONS) return because("the input has %zu dimensions", input.sizes.size());
  values.reserve(input.bytes + ALIGNMENT);  // XNNPACK reads whole vectors, and so beyond the end
  values.resize(input.bytes);
  input_form = form_of(input.type, input.bytes, input.sizes.data(), input.sizes.size());
  auto meta = (*opened->method)->method_meta();
  for (size_t i = 0; i < meta.num_outputs(); i++) {
    auto info = meta.output_tensor_meta(i);
    if (!info.ok() || info->sizes().size() > MOST_DIMENSIONS) return because("output %zu is not a tensor", i);
    output_forms.push_back(form_of(info->scalar_type(), info->nbytes(), info->sizes().data(), info->sizes().size()));
  }
  return 0;
}

static int checked(const char* sentence, et::Error error) {
  return error == et::Error::Ok ? 0 : because("%s", coded(sentence, error).c_str());
}

static int ready() { return checked("the input was refused", opened->input->give(**opened->method, values.data())); }

static int run() { return checked("it stopped", (*opened->method)->execute()); }

static int read_output(size_t number, void* to) {
  Tensor output = (*opened->method)->get_output(number).toTensor();
  if (output.nbytes() != output_forms[number].bytes) {
    return because("output %zu has %zu bytes, expected %zu", number, output.nbytes(), output_forms[number].bytes);
  }
  memcpy(to, output.const_data_ptr(), output.nbytes());
  return 0;
}

int main(int count, char** words) {
  runtime executorch = {};
  executorch.title = RUNTIME;
  executorch.load = load;
  executorch.input = []() -> const form* { return &input_form; };
  executorch.output_count = [] { return output_forms.size(); };
  executorch.output = [](size_t number) -> const form* { return &output_forms[number]; };
  executorch.open_input = []() -> void* { return values.data(); };
  executorch.close_input = [] { return 0; };
  executorch.ready = ready;
  executorch.run = run;
  executorch.read = read_output;
  et::runtime_init();
  return bench(count, words, &executorch);
}
