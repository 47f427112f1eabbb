/* What XNNPACK asks of cpuinfo, which a wheel of ExecuTorch expects in torch: one core, as the kernel describes it. */
#include <asm/hwcap.h>
#include <cpuinfo.h>
#include <sys/auxv.h>

#ifndef HWCAP2_I8MM
#define HWCAP2_I8MM (1 << 13)
#define HWCAP2_BF16 (1 << 14)
#endif

struct cpuinfo_arm_isa cpuinfo_isa;
static struct cpuinfo_cache first_level = {.size = 64 << 10}, second_level = {.size = 512 << 10};
static struct cpuinfo_core core = {.processor_count = 1};
static struct cpuinfo_processor processor;
static struct cpuinfo_uarch_info uarch = {.processor_count = 1, .core_count = 1};

/* Bits 24 to 31 of MIDR_EL1 are who made the core, and bits 4 to 15 the maker's own number of it: those for which
 * XNNPACK has kernels of their own, from Arm's manuals, and Qualcomm's cores that are Arm's in all but the number. */
static enum cpuinfo_uarch uarch_of(unsigned long midr) {
  switch ((midr >> 12 & 0xff000) | (midr >> 4 & 0xfff)) {
    case 0x41d04: return cpuinfo_uarch_cortex_a35;
    case 0x41d03:
    case 0x51801: return cpuinfo_uarch_cortex_a53;
    case 0x41d05: return midr >> 20 & 0xf ? cpuinfo_uarch_cortex_a55 : cpuinfo_uarch_cortex_a55r0;
    case 0x51803: return cpuinfo_uarch_cortex_a55r0;
    case 0x51805: return cpuinfo_uarch_cortex_a55;
    case 0x41d07: return cpuinfo_uarch_cortex_a57;
    case 0x41d08: return cpuinfo_uarch_cortex_a72;
    case 0x41d09:
    case 0x51800: return cpuinfo_uarch_cortex_a73;
    case 0x41d0a:
    case 0x51802: return cpuinfo_uarch_cortex_a75;
    case 0x41d0b:
    case 0x41d0e:
    case 0x51804: return cpuinfo_uarch_cortex_a76;
    case 0x41d0c: return cpuinfo_uarch_neoverse_n1;
    case 0x41d0d: return cpuinfo_uarch_cortex_a77;
    case 0x41d41: return cpuinfo_uarch_cortex_a78;
    case 0x41d44: return cpuinfo_uarch_cortex_x1;
    default: return cpuinfo_uarch_unknown;
  }
}

/* The core that this runs on: when it is loaded, and when the runtime asks, on the cores that it was given by then. */
__attribute__((constructor)) static void describe(void) {
  unsigned long has = getauxval(AT_HWCAP), has2 = getauxval(AT_HWCAP2), midr = 0;
  cpuinfo_isa.atomics = has & HWCAP_ATOMICS;
  cpuinfo_isa.fp16arith = (has & HWCAP_FPHP) && (has & HWCAP_ASIMDHP);
  cpuinfo_isa.rdm = has & HWCAP_ASIMDRDM;
  cpuinfo_isa.jscvt = has & HWCAP_JSCVT;
  cpuinfo_isa.fcma = has & HWCAP_FCMA;
  cpuinfo_isa.dot = has & HWCAP_ASIMDDP;
  cpuinfo_isa.fhm = has & HWCAP_ASIMDFHM;
  cpuinfo_isa.aes = has & HWCAP_AES;
  cpuinfo_isa.crc32 = has & HWCAP_CRC32;
  cpuinfo_isa.i8mm = has2 & HWCAP2_I8MM;
  cpuinfo_isa.bf16 = has2 & HWCAP2_BF16;
  if (has & HWCAP_CPUID) __asm__ volatile("mrs %0, midr_el1" : "=r"(midr));
  core.uarch = uarch.uarch = uarch_of(midr);
  core.midr = uarch.midr = midr;
  processor.core = &core;
  processor.cache.l1d = &first_level;
  processor.cache.l2 = &second_level;
}

bool CPUINFO_ABI cpuinfo_initialize(void) {
  describe();
  return true;
}
uint32_t CPUINFO_ABI cpuinfo_get_processors_count(void) { return 1; }
uint32_t CPUINFO_ABI cpuinfo_get_uarchs_count(void) { return 1; }
const struct cpuinfo_processor *CPUINFO_ABI cpuinfo_get_processor(uint32_t index) { return index ? 0 : &processor; }
const struct cpuinfo_uarch_info *CPUINFO_ABI cpuinfo_get_uarch(uint32_t index) { return index ? 0 : &uarch; }
