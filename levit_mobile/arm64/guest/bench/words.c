/* The words that a program is started with. Wrong ones end it, with a sentence on stderr. */
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "common.h"

static struct words asked;

static _Noreturn void refuse(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vfprintf(stderr, format, values);
  va_end(values);
  fputc('\n', stderr);
  exit(WRONG_USE);
}

static long number(const char *option, const char *word, long least, long most) {
  long value = whole_number(word, least, most);
  if (value < 0) refuse("--%s %s is not a whole number from %ld to %ld", option, word, least, most);
  return value;
}

static void take_picture_size(const char *word) {
  char end;
  bool whole = sscanf(word, "%5ldx%5ld%c", &asked.picture_width, &asked.picture_height, &end) == 2;
  if (!whole || asked.picture_width < 1 || asked.picture_height < 1) {
    refuse("--picture-px %s is not a size such as 640x480", word);
  }
}

static void take_arithmetic(const char *word) {
  asked.float16 = !strcmp(word, "fp16");
  if (!asked.float16 && strcmp(word, "fp32")) refuse("--arithmetic %s is neither fp32 nor fp16", word);
}

static void take_input(const char *path) {
  asked.inputs = required(realloc(asked.inputs, (asked.input_count + 1) * sizeof *asked.inputs));
  asked.inputs[asked.input_count++] = path;
}

static const struct option OPTIONS[] = {
    {"name", 1, 0, 'n'},    {"process", 1, 0, 'o'}, {"model", 1, 0, 'm'},   {"threads", 1, 0, 't'},
    {"cores", 1, 0, 'c'},   {"input", 1, 0, 'i'},   {"warmup", 1, 0, 'w'},  {"arithmetic", 1, 0, 'a'},
    {"rounds", 1, 0, 'r'},  {"picture", 1, 0, 'p'}, {"prepare", 1, 0, 'e'}, {"picture-px", 1, 0, 'x'},
    {"in-turns", 0, 0, 'y'}, {0},
};

static void take(int option, const char *word) {
  switch (option) {
    case 'n': asked.name = word; break;
    case 'm': asked.model = word; break;
    case 'c': asked.cores = word; break;
    case 'p': asked.picture = word; break;
    case 'e': asked.prepare = word; break;
    case 'y': asked.in_turns = true; break;
    case 'o': asked.process = number("process", word, 0, 1000000); break;
    case 't': asked.threads = number("threads", word, 1, 256); break;
    case 'w': asked.warmup = number("warmup", word, 0, 1000000); break;
    case 'r': asked.rounds = number("rounds", word, 0, 1000000); break;
    case 'x': take_picture_size(word); break;
    case 'a': take_arithmetic(word); break;
    case 'i': take_input(word); break;
    default: exit(WRONG_USE); /* getopt_long has printed a sentence */
  }
}

struct words words_of(int count, char **words) {
  int option;
  asked = (struct words){.threads = 1, .warmup = 5, .rounds = 30};
  while ((option = getopt_long(count, words, "", OPTIONS, NULL)) != -1) take(option, optarg);
  if (optind < count) refuse("%s is not an option", words[optind]);
  if (!asked.name || !asked.model) refuse("--name and --model are needed");
  if (!asked.picture != !asked.prepare || !asked.picture != !asked.picture_width) {
    refuse("--picture, --picture-px and --prepare are needed together");
  }
  if (asked.in_turns && (fcntl(TURN, F_GETFD) < 0 || fcntl(TAKEN, F_GETFD) < 0)) {
    refuse("--in-turns needs the descriptors %d and %d", TURN, TAKEN);
  }
  return asked;
}
