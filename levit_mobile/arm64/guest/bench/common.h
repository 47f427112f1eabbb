/* What the three programs of the payload share: JSON lines, times, memory, cores, and whether they are emulated. */
#ifndef LEVIT_MOBILE_COMMON_H
#define LEVIT_MOBILE_COMMON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ENDED_WELL = 0, FAILED = 1, WRONG_USE = 2 }; /* exit codes */

/* Lines of JSON. A line is collected in memory and written to `lines_fd` by one write(2). */
struct line {
  char *text;
  size_t length, capacity;
};
extern int lines_fd; /* stdout, before anything else could print there */

void own_stdout(void);        /* lines_fd becomes stdout, and what a runtime prints goes to stderr from now on */
void leave_no_core(void);     /* file, where this process or one that it starts crashes */
void line_begin(struct line *, const char *event, const char *name, long process);
void line_text(struct line *, const char *key, const char *value);
void line_integer(struct line *, const char *key, long long value);
void line_ms(struct line *, const char *key, double value);
void line_raw(struct line *, const char *key, const char *json);
void line_cores(struct line *);                                            /* the cores that this process may use */
void line_base64(struct line *, const char *key, const void *, size_t bytes);
void line_print(struct line *);                                            /* writes the line, and frees it */
void line_add(struct line *, const char *format, ...) __attribute__((format(printf, 2, 3)));

double now_ms(void);                     /* CLOCK_MONOTONIC */
long long forget_peak_bytes(void);       /* memory now, from which the peak counts on; -1 where there is no such */
long long peak_bytes(void);              /* most memory since then; -1 likewise */
bool emulated(void);                     /* by qemu-user */
bool has_float16_arithmetic(void);       /* of vectors too */
const char *use_cores(const char *mask); /* hexadecimal; NULL, or why not. Before a runtime makes its threads */

long whole_number(const char *word, long least, long most); /* -1 for a word that is not one within the limits */
uint64_t drawn(uint64_t *state);                            /* splitmix64 */
void *required(void *memory);                               /* ends the process when there is none */

#ifdef __cplusplus
}
#endif
#endif
