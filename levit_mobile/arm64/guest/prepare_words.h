/* The words of a preparation and the tensor's value of each level. Only prepare.c includes this file. */

#include "prepare.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A product and a sum that become one fused instruction are rounded once instead of twice, which moves weights. ARM64
   has that instruction in every core, and compilers use it unless they are told not to. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif
#if defined(__FAST_MATH__) || (FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16) /* 16: of _Float16 only */
#error "prepare.c must be compiled with exact float and double arithmetic"
#endif

enum { MOST_SIDE = 1 << 16 }; /* px that words may ask for */

static int refuse(char *error, size_t size, const char *name, const char *value, const char *expected) {
  if (size) snprintf(error, size, "%s=%s cannot be read, expected %s", name, value, expected);
  return -1;
}

static int read_number(const char *text, char end, double *value, const char **rest) {
  char *after;
  *value = strtod(text, &after);
  if (after == text || *after != end || !(fabs(*value) <= 1e30)) return -1; /* sums of floats stay finite */
  *rest = end ? after + 1 : after;
  return 0;
}

static int read_px(const char *text, char **after) {
  long value = strtol(text, after, 10);
  return *after == text || *text < '0' || *text > '9' || value < 1 || value > MOST_SIDE ? 0 : (int)value;
}

/* "256" or "256x192" */
static int read_size(const char *text, int *width, int *height) {
  char *after;
  *width = *height = read_px(text, &after);
  if (*width && *after == 'x') *height = read_px(after + 1, &after);
  return *width && *height && !*after ? 0 : -1;
}

/* The place of a word in a list that ends with NULL; -1 where it is not there. */
static int place_in(const char *const *list, const char *word) {
  for (int place = 0; list[place]; place++)
    if (!strcmp(list[place], word)) return place;
  return -1;
}

struct form { /* the words of which the table of values is made */
  int type;
  double low, high, scale, zero_point;
};

static const char *const NAMES[] = {"resize", "crop",  "rounding", "interpolation", "layout",
                                    "dtype",  "range", "scale",    "zero_point",    NULL};
static const char *const EXPECTED[] = {"shortest:SIZE, squash:SIZE or none",
                                       "a size in px such as 224x224",
                                       "half-even or down",
                                       "bicubic or bilinear",
                                       "NCHW or NHWC",
                                       "float32, float16, int8 or uint8",
                                       "LOW:HIGH",
                                       "a finite number above 0",
                                       "an integer"};
enum { RESIZE, CROP, ROUNDING, INTERPOLATION, LAYOUT, DTYPE, RANGE, SCALE, ZERO_POINT };
enum { FLOAT32, FLOAT16, INT8, UINT8 };

static int read_resize(struct prepare *to, const char *value) {
  int squash = !strncmp(value, "squash:", 7);
  if (!strcmp(value, "none")) {
    to->mode = PREPARE_NONE;
    return 0;
  }
  if (!squash && strncmp(value, "shortest:", 9)) return -1;
  to->mode = squash ? PREPARE_SQUASH : PREPARE_SHORTEST;
  return read_size(strchr(value, ':') + 1, &to->width, &to->height);
}

static int read_choice(const char *const *list, const char *value, int *place) {
  *place = place_in(list, value);
  return *place < 0 ? -1 : 0;
}

static int read_word(struct prepare *to, struct form *form, int name, const char *value) {
  static const char *const roundings[] = {"half-even", "down", NULL}, *const filters[] = {"bicubic", "bilinear", NULL},
                             *const layouts[] = {"NHWC", "NCHW", NULL},
                             *const types[] = {"float32", "float16", "int8", "uint8", NULL};
  const char *rest = value;
  switch (name) {
    case RESIZE: return read_resize(to, value);
    case CROP: return read_size(value, &to->crop_width, &to->crop_height);
    case ROUNDING: return read_choice(roundings, value, &to->rounds_down);
    case INTERPOLATION: return read_choice(filters, value, &to->bilinear);
    case LAYOUT: return read_choice(layouts, value, &to->planar);
    case DTYPE: return read_choice(types, value, &form->type);
    case RANGE: return read_number(value, ':', &form->low, &rest) || read_number(rest, 0, &form->high, &rest) ? -1 : 0;
    case SCALE: return read_number(value, 0, &form->scale, &rest) || !((float)form->scale > 0) ? -1 : 0;
    default: return read_number(value, 0, &form->zero_point, &rest) || fmod(form->zero_point, 1) != 0 ? -1 : 0;
  }
}

/* A 32-bit float as a 16-bit one, rounded to nearest, ties to even. */
static unsigned short half(float value) {
  uint32_t bits, sign, rest;
  memcpy(&bits, &value, sizeof bits);
  sign = bits >> 16 & 0x8000;
  bits &= 0x7fffffff;
  if (bits >= 0x47800000) return (unsigned short)(sign | (bits > 0x7f800000 ? 0x7e00 : 0x7c00)); /* 65536 and above */
  if (bits < 0x38800000) { /* below 2^-14 a half counts in steps of 2^-24; a float has the bits to add them exactly */
    float steps;
    memcpy(&steps, &bits, sizeof steps);
    return (unsigned short)(sign | (uint32_t)rintf(steps * 16777216.0f));
  }
  rest = bits & 0x1fff;
  bits = (bits - 0x38000000) >> 13;
  if (rest > 0x1000 || (rest == 0x1000 && (bits & 1))) bits++; /* may carry into the exponent, and to infinity */
  return (unsigned short)(sign | bits);
}

static unsigned char integer(float value, const struct form *form) {
  float low = form->type == INT8 ? -128.0f : 0.0f, high = low + 255.0f;
  float level = rintf(value / (float)form->scale) + (float)form->zero_point;
  return (unsigned char)(int)(level < low ? low : level > high ? high : level);
}

/* The tensor's value of each level: in 32-bit floats, step by step as numpy does it. */
static void fill_values(struct prepare *to, const struct form *form) {
  to->element_bytes = form->type == FLOAT32 ? 4 : form->type == FLOAT16 ? 2 : 1;
  for (int level = 0; level < 256; level++) {
    float value = (float)level / 255.0f;
    value = value * (float)(form->high - form->low);
    value = value + (float)form->low;
    if (form->type == FLOAT32)
      memcpy(&to->values.four[level], &value, sizeof value);
    else if (form->type == FLOAT16)
      to->values.two[level] = half(value);
    else
      to->values.one[level] = integer(value, form);
  }
}

/* One `name=value`, whose name must be new. */
static int take_word(char *word, struct prepare *to, struct form *form, unsigned *seen, char *error, size_t size) {
  char *value = strchr(word, '=');
  int name;
  if (value) *value++ = 0;
  name = value ? place_in(NAMES, word) : -1;
  if (name < 0 || *seen >> name & 1) {
    if (size) snprintf(error, size, "%s is %s", word, name < 0 ? "not a word of a preparation" : "given twice");
    return -1;
  }
  *seen |= 1u << name;
  return read_word(to, form, name, value) ? refuse(error, size, word, value, EXPECTED[name]) : 0;
}

static int check_complete(unsigned seen, const struct form *form, char *error, size_t size) {
  for (int name = 0; NAMES[name]; name++) {
    int integers = form->type == INT8 || form->type == UINT8, scaling = name == SCALE || name == ZERO_POINT;
    int given = seen >> name & 1, expected = !scaling || integers;
    if (given == expected) continue;
    if (size) snprintf(error, size, given ? "%s is for int8 and uint8 only" : "%s is not given", NAMES[name]);
    return -1;
  }
  return 0;
}

int prepare_parse(const char *words, struct prepare *prepare, char *error, size_t size) {
  struct form form = {0};
  unsigned seen = 0;
  memset(prepare, 0, sizeof *prepare);
  while (*(words += strspn(words, " "))) {
    char word[128];
    size_t length = strcspn(words, " ");
    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word), words);
    if (length >= sizeof word) {
      if (size) snprintf(error, size, "the word that begins with %.32s is too long", word);
      return -1;
    }
    if (take_word(word, prepare, &form, &seen, error, size)) return -1;
    words += length;
  }
  if (check_complete(seen, &form, error, size)) return -1;
  fill_values(prepare, &form);
  return 0;
}
