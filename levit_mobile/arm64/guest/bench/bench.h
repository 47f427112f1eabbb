/* Times one artifact and answers its golden pictures: the part that does not depend on the runtime. */
#ifndef LEVIT_MOBILE_BENCH_H
#define LEVIT_MOBILE_BENCH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MOST_DIMENSIONS = 8 };

struct form {
  const char *dtype; /* as numpy calls it; NULL for one that is not known here */
  size_t rank, bytes;
  int64_t sizes[MOST_DIMENSIONS];
};

struct words {
  const char *name, *model, *cores, *picture, *prepare;
  long process, threads, warmup, rounds, picture_width, picture_height;
  bool float16, in_turns;
  const char **inputs;
  size_t input_count;
};

enum { TURN = 3, TAKEN = 4 }; /* descriptors with --in-turns: a byte comes before each step, and one is sent after it */

struct words words_of(int count, char **words); /* see words.c */

/* What a runtime gives. Functions that return an int return 0, or -1 after `because`. */
struct runtime {
  const char *title; /* with its version */
  int (*load)(const struct words *);
  const struct form *(*input)(void);
  size_t (*output_count)(void);
  const struct form *(*output)(size_t number);
  void *(*open_input)(void);            /* memory for the input's values; NULL after `because` */
  int (*close_input)(void);             /* they are in place */
  int (*ready)(void);                   /* before each run, outside its time; NULL where nothing is needed */
  int (*run)(void);                     /* what is timed */
  int (*read)(size_t output, void *to); /* its values */
};

int because(const char *format, ...) __attribute__((format(printf, 1, 2))); /* keeps a sentence, and returns -1 */
const char *dtype_named(const char *name, size_t *element_bytes);            /* NULL for one that is not known here */
int bench(int count, char **words, const struct runtime *runtime);           /* the exit code */

#ifdef __cplusplus
}
#endif
#endif
