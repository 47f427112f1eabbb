/* Runs several programs that time artifacts, each in a process of its own, one step of one of them at a time:
 *
 *     turns --seed 3 --warmup 5 --rounds 30 -- PROGRAM WORDS... -- PROGRAM WORDS...
 *
 * All are loaded, then all have their first run and answer, and then each round runs every program once. Each time the
 * order is drawn anew. The programs are given --warmup, --rounds and --in-turns; their lines go to the stdout that all
 * share. A program that ends before it is done leaves a line here, and the others go on. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

enum { TURN = 3, TAKEN = 4 };       /* descriptors, as bench.h has them */
enum { ADDED = 6, MOST = 1000000 }; /* words that are added to a program's; rounds */

struct child {
  char **words;
  size_t count;
  const char *name;
  long process;
  pid_t pid; /* 0 once it has ended */
  int turn, taken;
};

static struct child *children;
static size_t total;
static const char *warmup = "5", *rounds = "30";
static uint64_t state;

static _Noreturn void refuse(const char *sentence) {
  fprintf(stderr, "%s\n", sentence);
  exit(WRONG_USE);
}

/* Words. */

static const char *counted(const char *option, const char *word, long most) {
  if (whole_number(word, 0, most) >= 0) return word;
  fprintf(stderr, "--%s %s is not a whole number from 0 to %ld\n", option, word, most);
  exit(WRONG_USE);
}

static void take_options(int count, char **words) {
  static const struct option OPTIONS[] = {{"seed", 1, 0, 's'}, {"warmup", 1, 0, 'w'}, {"rounds", 1, 0, 'r'}, {0}};
  int option;
  while ((option = getopt_long(count, words, "+", OPTIONS, NULL)) != -1) {
    if (option == 's') state = strtoul(counted("seed", optarg, LONG_MAX), NULL, 10);
    else if (option == 'w') warmup = counted("warmup", optarg, MOST);
    else if (option == 'r') rounds = counted("rounds", optarg, MOST);
    else exit(WRONG_USE); /* getopt_long has printed a sentence */
  }
}

/* The value that a program is given for an option; NULL where there is none. */
static const char *value_of(const struct child *child, const char *option) {
  for (size_t i = 0; i + 1 < child->count; i++) {
    if (!strcmp(child->words[i], option)) return child->words[i + 1];
  }
  return NULL;
}

static void take_child(char **words, size_t count) {
  if (!count) refuse("a program is needed after each --");
  children = required(realloc(children, (total + 1) * sizeof *children));
  struct child *child = &children[total++];
  *child = (struct child){.words = words, .count = count};
  child->name = value_of(child, "--name");
  if (!child->name) refuse("each program needs --name");
  const char *process = value_of(child, "--process");
  child->process = process ? whole_number(process, 0, MOST) : 0;
}

static void take_children(int count, char **words) {
  int from = optind;
  if (from == count || strcmp(words[from - 1], "--")) refuse("programs are needed after --");
  for (int i = from; i <= count; i++) {
    if (i < count && strcmp(words[i], "--")) continue;
    take_child(words + from, i - from);
    from = i + 1;
  }
}

/* An emulated process cannot start a file for ARM64: the kernel below is a different one's. What started this one does
 * it: the words of the command line up to the dynamic loader, or to this program. */

static char **emulator;
static size_t emulator_count;

static bool is_guest(const char *word, const char *own) {
  const char *slash = strrchr(word, '/');
  return !strcmp(word, own) || !strncmp(slash ? slash + 1 : word, "ld-linux", 8);
}

static void find_emulator(const char *own) {
  static char text[65536];
  int file = emulated() ? open("/proc/thread-self/cmdline", O_RDONLY | O_CLOEXEC) : -1;
  ssize_t length = file < 0 ? 0 : read(file, text, sizeof text - 1);
  if (file >= 0) close(file);
  for (char *word = text; word < text + length && !is_guest(word, own); word += strlen(word) + 1) {
    emulator = required(realloc(emulator, (emulator_count + 1) * sizeof *emulator));
    emulator[emulator_count++] = word;
  }
  static char path[4096]; /* the first word may be a name that only PATH knew */
  ssize_t n = emulator_count ? readlink("/proc/thread-self/exe", path, sizeof path - 1) : 0;
  if (n > 0) emulator[0] = path;
}

/* Processes. */

static bool is_script(const char *path) { /* which the kernel below starts by itself */
  char first[2] = "";
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  bool found = read(file, first, sizeof first) == sizeof first && !memcmp(first, "#!", sizeof first);
  close(file);
  return found;
}

static char **command_of(const struct child *child) {
  char **words = required(calloc(emulator_count + child->count + ADDED, sizeof *words)), **end = words;
  size_t before = is_script(child->words[0]) ? 0 : emulator_count;
  for (size_t i = 0; i < before; i++) *end++ = emulator[i];
  for (size_t i = 0; i < child->count; i++) *end++ = child->words[i];
  *end++ = "--warmup", *end++ = (char *)warmup, *end++ = "--rounds", *end++ = (char *)rounds, *end++ = "--in-turns";
  return words;
}

static _Noreturn void become(const struct child *child, int turn, int taken) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing goes on when this process is killed */
  signal(SIGPIPE, SIG_DFL);
  turn = fcntl(turn, F_DUPFD, 10), taken = fcntl(taken, F_DUPFD, 10);
  dup2(turn, TURN);
  dup2(taken, TAKEN);
  close(turn);
  close(taken);
  char **words = command_of(child);
  if (!access(child->words[0], X_OK)) execv(words[0], words);
  fprintf(stderr, "%s cannot be started: %s\n", child->words[0], strerror(errno));
  _exit(127);
}

static void start(struct child *child) {
  int turn[2], taken[2];
  if (pipe2(turn, O_CLOEXEC) || pipe2(taken, O_CLOEXEC)) refuse("no pipes are left");
  child->pid = fork();
  if (child->pid < 0) refuse("no processes are left");
  if (!child->pid) become(child, turn[0], taken[1]);
  close(turn[0]);
  close(taken[1]);
  child->turn = turn[1], child->taken = taken[0];
}

/* A signal's handler: it calls nothing that a handler must not. */
static void end_all(int number) {
  for (size_t i = 0; i < total; i++) {
    if (children[i].pid > 0) kill(children[i].pid, SIGKILL);
  }
  for (size_t i = 0; i < total; i++) {
    if (children[i].pid > 0) waitpid(children[i].pid, NULL, 0);
  }
  _exit(128 + number);
}

/* After its end of the pipe was closed. */
static bool ended_well(struct child *child) {
  int status = 0;
  waitpid(child->pid, &status, 0);
  child->pid = 0;
  close(child->turn);
  close(child->taken);
  if (WIFEXITED(status) && !WEXITSTATUS(status)) return true;
  struct line line;
  line_begin(&line, "ended", child->name, child->process);
  if (WIFSIGNALED(status)) line_integer(&line, "signal", WTERMSIG(status));
  else line_integer(&line, "code", WEXITSTATUS(status));
  line_print(&line);
  return false;
}

static size_t well;

/* One step of one program. */
static void take_turn(struct child *child) {
  char byte;
  if (!child->pid) return;
  bool taken = write(child->turn, ".", 1) == 1 && read(child->taken, &byte, 1) == 1;
  if (!taken) well += ended_well(child);
}

static bool all_take_turns(void) {
  size_t order[total];
  bool any = false;
  for (size_t i = 0; i < total; i++) order[i] = i;
  for (size_t i = total; i > 1; i--) {
    size_t other = drawn(&state) % i, kept = order[i - 1];
    order[i - 1] = order[other], order[other] = kept;
  }
  for (size_t i = 0; i < total; i++) {
    any |= children[order[i]].pid > 0;
    take_turn(&children[order[i]]);
  }
  return any;
}

int main(int count, char **words) {
  take_options(count, words);
  take_children(count, words);
  find_emulator(words[0]);
  leave_no_core();
  signal(SIGTERM, end_all);
  signal(SIGHUP, end_all);
  signal(SIGINT, end_all);
  signal(SIGPIPE, SIG_IGN); /* a program that has ended takes no turn */
  for (size_t i = 0; i < total; i++) start(&children[i]);
  while (all_take_turns()) {}
  return well ? ENDED_WELL : FAILED;
}
