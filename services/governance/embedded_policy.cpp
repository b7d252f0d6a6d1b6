#include "services/governance/embedded_policy.hpp"

// clang-format off
asm(".section .rodata\n"
    ".global micro_policy_begin\n"
    ".global micro_policy_end\n"
    "micro_policy_begin:\n"
    ".incbin \"" MICRO_POLICY_WASM "\"\n"
    "micro_policy_end:\n"
    ".byte 0\n"
    ".previous\n");
// clang-format on

extern "C" const unsigned char micro_policy_begin[];
extern "C" const unsigned char micro_policy_end[];

namespace micro {

ByteView embedded_policy() {
  return {micro_policy_begin, static_cast<std::size_t>(micro_policy_end - micro_policy_begin)};
}

}  // namespace micro
