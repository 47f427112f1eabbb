/* Times a `.tflite` with LiteRT on the CPU, by XNNPACK: see words.c for the words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "common.h"
#include "litert_api.h"

#ifndef RUNTIME
#define RUNTIME "LiteRT"
#endif

static LiteRtEnvironment environment;
static LiteRtModel model;
static LiteRtCompiledModel compiled;
static size_t output_total;
static struct form input_form, *output_forms;
static LiteRtTensorBuffer input_buffer, *output_buffers;

static const char *meaning(LiteRtStatus status) {
  switch (status) {
    case 2: return "memory is exhausted";
    case 5: return "not supported";
    case 500: return "the file cannot be read";
    case 501: return "not a sound model";
    case 504: return "the model cannot be compiled";
    default: return "see its own messages";
  }
}

static int checked(const char *what, LiteRtStatus status) {
  return status ? because("LiteRT %s: %s (status %d)", what, meaning(status), status) : 0;
}

/* TensorFlow Lite's numbers of types. */
static const char *dtype_of(int type) {
  static const char *const NAMES[] = {NULL,   "float32", "int32", "uint8", "int64",  NULL,
                                      "bool", "int16",   NULL,    "int8",  "float16"};
  return type >= 0 && type < (int)(sizeof NAMES / sizeof *NAMES) ? NAMES[type] : NULL;
}

static int form_of(LiteRtTensor tensor, LiteRtRankedTensorType *type, struct form *form) {
  if (checked("does not describe a tensor of the model", LiteRtGetRankedTensorType(tensor, type))) return -1;
  size_t bytes = 1;
  *form = (struct form){.dtype = dtype_named(dtype_of(type->element_type), &bytes), .rank = type->layout.rank};
  for (size_t i = 0; i < form->rank; i++) {
    form->sizes[i] = type->layout.dimensions[i];
    if (form->sizes[i] < 1) return because("the model leaves the size of a tensor open");
    if (__builtin_mul_overflow(bytes, (size_t)form->sizes[i], &bytes)) return because("a tensor is too large");
  }
  form->bytes = bytes;
  return 0;
}

static int buffer_of(const LiteRtRankedTensorType *type, LiteRtRequirements needed, const struct form *form,
                     LiteRtTensorBuffer *buffer) {
  size_t bytes = 0;
  if (checked("cannot allocate a tensor",
              LiteRtCreateManagedTensorBufferFromRequirements(environment, type, needed, buffer)) ||
      checked("does not report the size of a tensor", LiteRtGetTensorBufferSize(*buffer, &bytes))) {
    return -1;
  }
  return bytes < form->bytes ? because("LiteRT gives %zu bytes for a tensor of %zu", bytes, form->bytes) : 0;
}

static int make_input(LiteRtSignature signature) {
  LiteRtTensor tensor;
  LiteRtRequirements needed;
  LiteRtRankedTensorType type;
  if (checked("finds no input in the model", LiteRtGetSignatureInputTensorByIndex(signature, 0, &tensor)) ||
      form_of(tensor, &type, &input_form) ||
      checked("finds no input in the model", LiteRtGetCompiledModelInputBufferRequirements(compiled, 0, 0, &needed))) {
    return -1;
  }
  return buffer_of(&type, needed, &input_form, &input_buffer);
}

static int make_output(LiteRtSignature signature, size_t i) {
  LiteRtTensor tensor;
  LiteRtRequirements needed;
  LiteRtRankedTensorType type;
  if (checked("finds too few outputs", LiteRtGetSignatureOutputTensorByIndex(signature, i, &tensor)) ||
      form_of(tensor, &type, &output_forms[i]) ||
      checked("finds too few outputs", LiteRtGetCompiledModelOutputBufferRequirements(compiled, 0, i, &needed))) {
    return -1;
  }
  return buffer_of(&type, needed, &output_forms[i], &output_buffers[i]);
}

static int make_tensors(void) {
  LiteRtSignature signature;
  size_t inputs = 0;
  if (checked("finds no signature in the model", LiteRtGetModelSignature(model, 0, &signature)) ||
      checked("does not report the number of inputs", LiteRtGetNumSignatureInputs(signature, &inputs)) ||
      checked("does not report the number of outputs", LiteRtGetNumSignatureOutputs(signature, &output_total))) {
    return -1;
  }
  if (inputs != 1) return because("the model has %zu inputs, expected one image", inputs);
  output_forms = required(calloc(output_total + 1, sizeof *output_forms));
  output_buffers = required(calloc(output_total + 1, sizeof *output_buffers));
  if (make_input(signature)) return -1;
  for (size_t i = 0; i < output_total; i++) {
    if (make_output(signature, i)) return -1;
  }
  return 0;
}

/* LiteRT reads its options for the CPU as TOML. */
static int with_options(const struct words *asked, LiteRtOptions *options) {
  char *text = required(malloc(64));
  LiteRtOpaqueOptions for_cpu;
  int flags = XNNPACK_INT8 | XNNPACK_UINT8 | XNNPACK_FORCE_FLOAT16;
  int length = sprintf(text, "num_threads = %ld\n", asked->threads);
  if (asked->float16) sprintf(text + length, "flags = %d\n", flags);
  if (checked("cannot make its options", LiteRtCreateOptions(options)) ||
      checked("cannot be set to the CPU", LiteRtSetOptionsHardwareAccelerators(*options, ACCELERATOR_CPU)) ||
      checked("does not take the options for the CPU", LiteRtCreateOpaqueOptions("xnnpack", text, free, &for_cpu))) {
    return -1;
  }
  return checked("does not take the options for the CPU", LiteRtAddOpaqueOptions(*options, for_cpu));
}

static int load(const struct words *asked) {
  LiteRtOptions options;
  size_t signatures = 0;
  if (asked->float16 && !has_float16_arithmetic()) return because("this processor has no float16 arithmetic");
  if (checked("cannot start", LiteRtCreateEnvironment(0, NULL, &environment)) ||
      checked("refuses the model", LiteRtCreateModelFromFile(environment, asked->model, &model)) ||
      checked("cannot read the signatures of the model", LiteRtGetNumModelSignatures(model, &signatures)) ||
      with_options(asked, &options) ||
      checked("cannot prepare the model", LiteRtCreateCompiledModel(environment, model, options, &compiled))) {
    return -1;
  }
  return signatures ? make_tensors() : because("the model has no signature");
}

static const struct form *input(void) { return &input_form; }
static size_t output_count(void) { return output_total; }
static const struct form *output(size_t number) { return &output_forms[number]; }

static void *open_input(void) {
  void *values = NULL;
  return checked("cannot lock its input", LiteRtLockTensorBuffer(input_buffer, &values, LOCK_WRITE)) ? NULL : values;
}

static int close_input(void) { return checked("cannot unlock its input", LiteRtUnlockTensorBuffer(input_buffer)); }

static int run(void) {
  return checked("stopped while it ran the model",
                 LiteRtRunCompiledModel(compiled, 0, 1, &input_buffer, output_total, output_buffers));
}

static int read_output(size_t number, void *to) {
  void *values = NULL;
  if (checked("cannot lock an output", LiteRtLockTensorBuffer(output_buffers[number], &values, LOCK_READ))) return -1;
  memcpy(to, values, output_forms[number].bytes);
  return checked("cannot unlock an output", LiteRtUnlockTensorBuffer(output_buffers[number]));
}

int main(int count, char **words) {
  const struct runtime litert = {
      .title = RUNTIME,
      .load = load,
      .input = input,
      .output_count = output_count,
      .output = output,
      .open_input = open_input,
      .close_input = close_input,
      .run = run,
      .read = read_output,
  };
  return bench(count, words, &litert);
}
