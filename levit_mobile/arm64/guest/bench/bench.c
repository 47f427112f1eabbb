#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../prepare.h"
#include "common.h"

enum { SETTLING = 3 }; /* runs after the first, until memory has its final size */

static const struct runtime *runtime;
static struct words asked;
static char why[1024];

int because(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vsnprintf(why, sizeof why, format, values);
  va_end(values);
  return -1;
}

/* Lines. */

static void begin(struct line *line, const char *event) { line_begin(line, event, asked.name, asked.process); }

static _Noreturn void fail(void) {
  struct line line;
  begin(&line, "failed");
  line_text(&line, "error", why);
  line_print(&line);
  _exit(FAILED);
}

static _Noreturn __attribute__((format(printf, 1, 2))) void fail_with(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vsnprintf(why, sizeof why, format, values);
  va_end(values);
  fail();
}

static void must(int result) {
  if (result) fail();
}

static void add_form(struct line *line, const struct form *form) {
  line_add(line, "{\"shape\":[");
  for (size_t i = 0; i < form->rank; i++) line_add(line, "%s%lld", i ? "," : "", (long long)form->sizes[i]);
  line_add(line, "],\"dtype\":\"%s\"}", form->dtype);
}

static void print_loaded(double ms, long long before) {
  struct line line;
  begin(&line, "loaded");
  line_ms(&line, "load_ms", ms);
  line_integer(&line, "memory_before_bytes", before);
  line_add(&line, ",\"input\":");
  add_form(&line, runtime->input());
  line_add(&line, ",\"outputs\":[");
  for (size_t i = 0; i < runtime->output_count(); i++) {
    line_add(&line, i ? "," : "");
    add_form(&line, runtime->output(i));
  }
  line_add(&line, "]");
  line_cores(&line);
  line_raw(&line, "emulated", emulated() ? "true" : "false");
  line_text(&line, "runtime", runtime->title);
  line_print(&line);
}

static void print_sample(const char *what, double ms) {
  struct line line;
  begin(&line, "sample");
  line_text(&line, "what", what);
  line_ms(&line, "ms", ms);
  line_print(&line);
}

/* Turns. */

static void await_turn(void) {
  char byte;
  while (asked.in_turns) {
    ssize_t n = read(TURN, &byte, 1);
    if (n == 1) return;
    if (n == 0 || errno != EINTR) _exit(FAILED); /* the one who gives them is gone */
  }
}

static void end_turn(void) {
  if (asked.in_turns && write(TAKEN, ".", 1) != 1) _exit(FAILED);
}

/* Values. */

static void *content(const char *path, size_t expected) {
  FILE *stream = fopen(path, "re");
  if (!stream) fail_with("%s cannot be read: %s", path, strerror(errno));
  fseek(stream, 0, SEEK_END);
  long bytes = ftell(stream);
  rewind(stream);
  if (bytes < 0 || (size_t)bytes != expected) fail_with("%s has %ld bytes, expected %zu", path, bytes, expected);
  char *values = required(malloc(expected + 1));
  if (fread(values, 1, expected, stream) != expected) fail_with("%s cannot be read to its end", path);
  fclose(stream);
  return values;
}

/* To time with where no input is given: floats in [0,1), small integers over their whole range, others 0 and 1. */
static void *noise(const struct form *form) {
  uint64_t state = 0;
  size_t bytes = 1;
  dtype_named(form->dtype, &bytes);
  char *values = required(malloc(form->bytes + 1));
  for (size_t at = 0; at + bytes <= form->bytes; at += bytes) {
    uint64_t bits = drawn(&state);
    float real = (bits >> 40) / 16777216.0f;
    __fp16 half = (bits >> 53) / 2048.0f;
    uint64_t integer = bytes < 4 && strcmp(form->dtype, "bool") ? bits : bits & 1;
    if (!strcmp(form->dtype, "float32")) memcpy(values + at, &real, bytes);
    else if (!strcmp(form->dtype, "float16")) memcpy(values + at, &half, bytes);
    else memcpy(values + at, &integer, bytes);
  }
  return values;
}

static void give(const void *values) {
  void *input = runtime->open_input();
  if (!input) fail();
  memcpy(input, values, runtime->input()->bytes);
  must(runtime->close_input());
}

static void **outputs;

static void read_outputs(void) {
  for (size_t i = 0; i < runtime->output_count(); i++) must(runtime->read(i, outputs[i]));
}

/* One run after its input is in place; how long it took. */
static double timed_run(void) {
  if (runtime->ready) must(runtime->ready());
  double before = now_ms();
  must(runtime->run());
  return now_ms() - before;
}

static void answer(size_t picture, const void *values) {
  give(values);
  timed_run();
  read_outputs();
  for (size_t i = 0; i < runtime->output_count(); i++) {
    struct line line;
    begin(&line, "answer");
    line_integer(&line, "picture", picture);
    line_integer(&line, "output", i);
    line_base64(&line, "values", outputs[i], runtime->output(i)->bytes);
    line_print(&line);
  }
}

/* End to end: from a decoded picture to the outputs' values. */

static struct prepare prepared;
static unsigned char *picture;
static void *scratch;

static void get_picture(void) {
  if (!asked.picture) return;
  if (prepare_parse(asked.prepare, &prepared, why, sizeof why)) fail();
  size_t bytes = prepare_bytes(&prepared), expected = runtime->input()->bytes;
  if (bytes != expected) fail_with("the prepared picture has %zu bytes, and the input has %zu", bytes, expected);
  picture = content(asked.picture, 3 * asked.picture_width * asked.picture_height);
  scratch = required(malloc(prepare_scratch_bytes(&prepared, asked.picture_width, asked.picture_height) + 1));
}

static double timed_whole(void) {
  double before = now_ms();
  void *input = runtime->open_input();
  if (!input) fail();
  if (prepare_run(&prepared, picture, asked.picture_width, asked.picture_height, input, scratch)) {
    fail_with("the picture of %ldx%ld cannot be prepared", asked.picture_width, asked.picture_height);
  }
  must(runtime->close_input());
  if (runtime->ready) must(runtime->ready());
  must(runtime->run());
  read_outputs();
  return now_ms() - before;
}

/* A runtime may crash on a damaged model. Only write(2) is left then, of a line that was made before. */

static const int CRASHES[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
static struct line crash_line;

static void crashed(int number) {
  (void)number;
  ssize_t written = write(lines_fd, crash_line.text, crash_line.length);
  (void)written; /* nobody is left who could be told */
  _exit(FAILED);
}

static void on_crash(void (*handler)(int)) {
  for (size_t i = 0; i < sizeof CRASHES / sizeof *CRASHES; i++) signal(CRASHES[i], handler);
}

static void load_guarded(void) {
  begin(&crash_line, "failed");
  line_text(&crash_line, "error", "the runtime crashed while it loaded the model, which may be damaged");
  line_add(&crash_line, "}\n");
  on_crash(crashed);
  must(runtime->load(&asked));
  on_crash(SIG_DFL);
}

/* Steps. */

static void check_forms(void) {
  if (!runtime->input()->dtype) fail_with("the input's type is not known here");
  outputs = required(calloc(runtime->output_count() + 1, sizeof *outputs));
  for (size_t i = 0; i < runtime->output_count(); i++) {
    if (!runtime->output(i)->dtype) fail_with("the type of output %zu is not known here", i);
    outputs[i] = required(malloc(runtime->output(i)->bytes + 1));
  }
}

static void load(void) {
  await_turn();
  long long before_bytes = forget_peak_bytes();
  double before = now_ms();
  load_guarded();
  double ms = now_ms() - before;
  check_forms();
  print_loaded(ms, before_bytes);
  end_turn();
}

static void first_run(const void *values) {
  await_turn();
  give(values);
  double ms = timed_run();
  for (int i = 0; i < SETTLING; i++) timed_run();
  struct line line;
  begin(&line, "first_run");
  line_ms(&line, "first_run_ms", ms);
  line_integer(&line, "peak_memory_bytes", peak_bytes());
  line_print(&line);
}

static void rounds(const char *what, double (*timed)(void)) {
  for (long i = 0; i < asked.warmup + asked.rounds; i++) {
    await_turn();
    double ms = timed();
    if (i >= asked.warmup) print_sample(what, ms);
    end_turn();
  }
}

/* End to end has rounds of its own: a candidate that ran just before finds its weights in the caches. */
int bench(int count, char **words, const struct runtime *given) {
  runtime = given;
  asked = words_of(count, words);
  own_stdout();
  leave_no_core();
  const char *unusable = asked.cores ? use_cores(asked.cores) : NULL;
  if (unusable) fail_with("%s", unusable);
  load();
  const struct form *input = runtime->input();
  void *first = asked.input_count ? content(asked.inputs[0], input->bytes) : noise(input);
  first_run(first);
  for (size_t i = 0; i < asked.input_count && !asked.process; i++) {
    void *values = content(asked.inputs[i], input->bytes);
    answer(i, values);
    free(values);
  }
  give(first);
  get_picture();
  end_turn();
  rounds("inference", timed_run);
  if (picture) rounds("end to end", timed_whole);
  await_turn();
  struct line line;
  begin(&line, "done");
  line_print(&line);
  return ENDED_WELL;
}

const char *dtype_named(const char *name, size_t *element_bytes) {
  static const struct {
    const char *name;
    size_t bytes;
  } KNOWN[] = {{"float32", 4}, {"float16", 2}, {"int8", 1},  {"uint8", 1}, {"int16", 2},
               {"uint16", 2},  {"int32", 4},   {"int64", 8}, {"bool", 1}};
  for (size_t i = 0; name && i < sizeof KNOWN / sizeof *KNOWN; i++) {
    if (strcmp(name, KNOWN[i].name)) continue;
    *element_bytes = KNOWN[i].bytes;
    return KNOWN[i].name;
  }
  return NULL;
}
