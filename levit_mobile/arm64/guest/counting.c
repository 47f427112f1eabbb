/* A plugin of qemu (API 1): how often each block of ARM64 instructions ran between two marks.
 *
 * A mark is the system call getpriority(MARK, edge), which the kernel refuses and nobody else makes:
 *     edge 0, 1    an inference begins, ends
 *     edge 2, 3    a delegate begins, ends, within an inference
 *     edge 4       write the counts to the descriptor that was given as fd=N, replacing what it held, and start anew
 * Written, a block: address, times within inferences, times within delegates (uint64 each), number of instructions
 * (uint64), then the instructions (uint32 each). All little-endian. The same address may come more than once.
 *
 * Debian ships no header for plugins, so what is used of qemu-plugin.h is declared here. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))
enum { GETPRIORITY = 141, MARK = 0x4c655669, ADD = 0 };
enum { INFERENCE, DELEGATE, SECTIONS, WRITE = 2 * SECTIONS };

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int operation, void *, uint64_t);
extern void qemu_plugin_register_vcpu_syscall_cb(plugin_id, void (*)(plugin_id, unsigned, int64_t, uint64_t, uint64_t,
                                                                    uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                                                                    uint64_t));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);

PUBLIC int qemu_plugin_version = 1;

struct block {
  uint64_t address, runs; /* runs: since the program began */
  uint64_t before[SECTIONS], within[SECTIONS];
  uint64_t length;
  uint32_t words[];
};

static struct block **blocks;
static size_t count, capacity;
static int output = -1;

static void *required(void *memory) {
  if (!memory) {
    fputs("counting: out of memory\n", stderr);
    abort();
  }
  return memory;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb) {
  (void)id;
  size_t length = qemu_plugin_tb_n_insns(tb);
  struct block *block = required(calloc(1, sizeof *block + length * sizeof *block->words));
  block->address = qemu_plugin_tb_vaddr(tb);
  block->length = length;
  for (size_t i = 0; i < length; i++)
    memcpy(&block->words[i], qemu_plugin_insn_data(qemu_plugin_tb_get_insn(tb, i)), sizeof *block->words);
  if (count == capacity) blocks = required(realloc(blocks, (capacity = 2 * capacity + 4096) * sizeof *blocks));
  blocks[count++] = block;
  qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD, &block->runs, 1);
}

static void put(FILE *stream, const struct block *block) {
  uint64_t head[] = {block->address, block->within[INFERENCE], block->within[DELEGATE], block->length};
  fwrite(head, sizeof head, 1, stream);
  fwrite(block->words, sizeof *block->words, block->length, stream);
}

static void write_counts(void) {
  if (ftruncate(output, 0) || lseek(output, 0, SEEK_SET)) return;
  FILE *stream = required(fdopen(dup(output), "wb"));
  for (size_t i = 0; i < count; i++) {
    if (blocks[i]->within[INFERENCE]) put(stream, blocks[i]);
    memset(blocks[i]->within, 0, sizeof blocks[i]->within);
  }
  fclose(stream);
}

static void marked(plugin_id id, unsigned cpu, int64_t number, uint64_t first, uint64_t edge, uint64_t a3, uint64_t a4,
                   uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
  (void)id, (void)cpu, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
  if (number != GETPRIORITY || (uint32_t)first != MARK) return;
  if (edge == WRITE) write_counts();
  if (edge >= WRITE) return;
  uint64_t section = edge / 2;
  for (size_t i = 0; i < count; i++) {
    struct block *block = blocks[i];
    if (edge % 2) block->within[section] += block->runs - block->before[section];
    else block->before[section] = block->runs;
  }
}

PUBLIC int qemu_plugin_install(plugin_id id, const void *system, int argc, char **argv) {
  (void)system;
  for (int i = 0; i < argc; i++)
    if (!strncmp(argv[i], "fd=", 3)) output = atoi(argv[i] + 3);
  if (output < 0) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_vcpu_syscall_cb(id, marked);
  return 0;
}
