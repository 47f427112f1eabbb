#define _GNU_SOURCE
#include "common.h"

#include <asm/hwcap.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

int lines_fd = STDOUT_FILENO;

void *required(void *memory) {
  if (!memory) {
    fputs("out of memory\n", stderr);
    _exit(FAILED);
  }
  return memory;
}

/* Lines. */

void own_stdout(void) {
  lines_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10); /* above the descriptors by which turns are given */
  if (lines_fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) _exit(FAILED);
}

void leave_no_core(void) { setrlimit(RLIMIT_CORE, &(struct rlimit){0}); }

static char *room(struct line *line, size_t bytes) {
  if (line->length + bytes > line->capacity) {
    line->capacity = 2 * (line->length + bytes) + 256;
    line->text = required(realloc(line->text, line->capacity));
  }
  return line->text + line->length;
}

void line_add(struct line *line, const char *format, ...) {
  va_list first, second;
  va_start(first, format);
  va_copy(second, first);
  int length = vsnprintf(NULL, 0, format, first);
  vsnprintf(room(line, length + 1), length + 1, format, second);
  line->length += length;
  va_end(first);
  va_end(second);
}

static void quoted(struct line *line, const char *value) {
  line_add(line, "\"");
  for (const unsigned char *at = (const unsigned char *)value; *at; at++) {
    if (*at < ' ' || *at == '"' || *at == '\\') line_add(line, "\\u%04x", *at);
    else line_add(line, "%c", *at);
  }
  line_add(line, "\"");
}

void line_begin(struct line *line, const char *event, const char *name, long process) {
  *line = (struct line){0};
  line_add(line, "{\"event\":\"%s\"", event);
  if (!name) return;
  line_text(line, "name", name);
  line_integer(line, "process", process);
}

void line_raw(struct line *line, const char *key, const char *json) { line_add(line, ",\"%s\":%s", key, json); }

void line_text(struct line *line, const char *key, const char *value) {
  line_add(line, ",\"%s\":", key);
  quoted(line, value);
}

void line_integer(struct line *line, const char *key, long long value) {
  if (value < 0) line_raw(line, key, "null");
  else line_add(line, ",\"%s\":%lld", key, value);
}

void line_ms(struct line *line, const char *key, double value) { line_add(line, ",\"%s\":%.6f", key, value); }

void line_cores(struct line *line) {
  cpu_set_t cores;
  line_add(line, ",\"cores\":[");
  const char *between = "";
  for (int core = 0; !sched_getaffinity(0, sizeof cores, &cores) && core < CPU_SETSIZE; core++) {
    if (!CPU_ISSET(core, &cores)) continue;
    line_add(line, "%s%d", between, core);
    between = ",";
  }
  line_add(line, "]");
}

void line_base64(struct line *line, const char *key, const void *source, size_t bytes) {
  static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *from = source;
  line_add(line, ",\"%s\":\"", key);
  char *to = room(line, (bytes + 2) / 3 * 4 + 1);
  for (size_t i = 0; i < bytes; i += 3) {
    size_t left = bytes - i;
    uint32_t bits = from[i] << 16 | (left > 1 ? from[i + 1] << 8 : 0) | (left > 2 ? from[i + 2] : 0);
    *to++ = DIGITS[bits >> 18];
    *to++ = DIGITS[bits >> 12 & 63];
    *to++ = left > 1 ? DIGITS[bits >> 6 & 63] : '=';
    *to++ = left > 2 ? DIGITS[bits & 63] : '=';
  }
  line->length = to - line->text;
  line_add(line, "\"");
}

void line_print(struct line *line) {
  line_add(line, "}\n");
  for (size_t done = 0; done < line->length;) {
    ssize_t n = write(lines_fd, line->text + done, line->length - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) _exit(FAILED); /* nobody reads any more */
    done += n;
  }
  free(line->text);
}

/* Times and memory. */

double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* A row of /proc/self/status that is given in kB. */
static long long status_bytes(const char *key) {
  long long kilobytes = -1;
  char text[256];
  FILE *stream = fopen("/proc/self/status", "re");
  while (stream && fgets(text, sizeof text, stream)) {
    if (!strncmp(text, key, strlen(key)) && sscanf(text + strlen(key), ": %lld kB", &kilobytes) == 1) break;
  }
  if (stream) fclose(stream);
  return kilobytes < 0 ? -1 : kilobytes * 1024;
}

static bool peak_is_known;

long long forget_peak_bytes(void) {
  int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  peak_is_known = file >= 0 && write(file, "5", 1) == 1;
  if (file >= 0) close(file);
  return peak_is_known ? status_bytes("VmRSS") : -1;
}

long long peak_bytes(void) { return peak_is_known ? status_bytes("VmHWM") : -1; }

/* The processor. */

/* qemu shows a program its own path as /proc/self/exe, but not as /proc/thread-self/exe: there the kernel gives the
 * file that it runs. That of an emulator is built for a different processor, or called qemu. */
static bool runs_foreign_file(void) {
  unsigned char head[20] = {0};
  char path[4096];
  ssize_t length = readlink("/proc/thread-self/exe", path, sizeof path - 1);
  if (length > 0) {
    path[length] = 0;
    const char *name = strrchr(path, '/');
    if (name && !strncmp(name + 1, "qemu-", 5)) return true;
  }
  int file = open("/proc/thread-self/exe", O_RDONLY | O_CLOEXEC);
  ssize_t n = file < 0 ? 0 : read(file, head, sizeof head);
  if (file >= 0) close(file);
  if (n < (ssize_t)sizeof head || memcmp(head, ELFMAG, SELFMAG)) return false;
  return (head[18] | head[19] << 8) != EM_AARCH64;
}

/* Without /proc the second sign remains: Linux maps its vDSO into every ARM64 process, and qemu 7.2 has none. */
bool emulated(void) { return runs_foreign_file() || !getauxval(AT_SYSINFO_EHDR); }

bool has_float16_arithmetic(void) {
  unsigned long has = getauxval(AT_HWCAP);
  return (has & HWCAP_FPHP) && (has & HWCAP_ASIMDHP);
}

/* Digits from the last one on are the cores from number 0 on, four each. */
static bool parsed(const char *mask, cpu_set_t *cores) {
  CPU_ZERO(cores);
  size_t digits = strlen(mask);
  if (!digits || digits > CPU_SETSIZE / 4 || strspn(mask, "0123456789abcdefABCDEF") != digits) return false;
  for (size_t i = 0; i < digits; i++) {
    char digit[2] = {mask[digits - 1 - i], 0};
    unsigned long bits = strtoul(digit, NULL, 16);
    for (int bit = 0; bit < 4; bit++) {
      if (bits >> bit & 1) CPU_SET(4 * i + bit, cores);
    }
  }
  return CPU_COUNT(cores) > 0;
}

const char *use_cores(const char *mask) {
  static char why[160];
  cpu_set_t wanted, given;
  if (!parsed(mask, &wanted)) {
    snprintf(why, sizeof why, "the core mask %.64s is not a hexadecimal number above 0", mask);
  } else if (sched_setaffinity(0, sizeof wanted, &wanted) || sched_getaffinity(0, sizeof given, &given)) {
    snprintf(why, sizeof why, "no core of the mask %.64s is available to this process", mask);
  } else if (!CPU_EQUAL(&wanted, &given)) {
    snprintf(why, sizeof why, "not every core of the mask %.64s is available to this process", mask);
  } else {
    return NULL;
  }
  return why;
}

/* Numbers. */

long whole_number(const char *word, long least, long most) {
  char *end;
  errno = 0;
  long number = strtol(word, &end, 10);
  return *word < '0' || *word > '9' || *end || errno || number < least || number > most ? -1 : number;
}

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): every seed is a good one. */
uint64_t drawn(uint64_t *state) {
  uint64_t bits = *state += 0x9e3779b97f4a7c15;
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
  return bits ^ bits >> 31;
}
