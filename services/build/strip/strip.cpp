#include "services/build/strip/strip.hpp"

#include <algorithm>
#include <array>

namespace micro {
namespace {

constexpr std::array<std::uint8_t, 8> kHeader = {0x00, 'a', 's', 'm', 0x01, 0x00, 0x00, 0x00};
constexpr std::uint8_t kCustomSection = 0;

/// An unsigned LEB128 of 32 bits at `at`, which moves behind it.
Result<std::uint32_t> read_u32(ByteView bytes, std::size_t& at) {
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (at >= bytes.size()) return fail(Fault::kInvalid, "the module ends inside a section's size");
    const std::uint8_t byte = bytes[at++];
    if (shift == 28 && byte > 0x0f) break;
    value |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return fail(Fault::kInvalid, "a section's size is no 32-bit number");
}

}  // namespace

Result<Bytes> strip_custom_sections(ByteView module) {
  if (module.size() < kHeader.size() || !std::ranges::equal(module.first(kHeader.size()), kHeader)) {
    return fail(Fault::kInvalid, "the result is not a WebAssembly module");
  }
  Bytes out(kHeader.begin(), kHeader.end());
  out.reserve(module.size());
  std::size_t at = kHeader.size();
  while (at < module.size()) {
    const std::size_t start = at;
    const std::uint8_t id = module[at++];
    const std::uint32_t size = TRY(read_u32(module, at));
    if (size > module.size() - at) return fail(Fault::kInvalid, "a section is longer than the module");
    at += size;
    if (id == kCustomSection) continue;
    const ByteView section = module.subspan(start, at - start);
    out.insert(out.end(), section.begin(), section.end());
  }
  return out;
}

}  // namespace micro
