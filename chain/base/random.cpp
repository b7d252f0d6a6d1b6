#include "chain/base/random.hpp"

#include <sodium.h>

#include <cstring>

#include "chain/base/check.hpp"

namespace micro {

std::uint64_t Random::draw_u64() {
  std::array<std::uint8_t, 8> raw{};
  fill(raw);
  std::uint64_t out = 0;
  for (int i = 7; i >= 0; --i) out = out << 8 | raw[static_cast<std::size_t>(i)];
  return out;
}

void SystemRandom::fill(std::span<std::uint8_t> out) {
  CHECK(sodium_init() >= 0, "libsodium starts");
  randombytes_buf(out.data(), out.size());
}

void SeededRandom::fill(std::span<std::uint8_t> out) {
  if (out.empty()) return;
  std::array<std::uint8_t, crypto_stream_chacha20_KEYBYTES> key{};
  std::array<std::uint8_t, crypto_stream_chacha20_NONCEBYTES> nonce{};
  for (unsigned i = 0; i < 8; ++i) {
    key[i] = static_cast<std::uint8_t>(seed_ >> (8 * i));
    nonce[i] = static_cast<std::uint8_t>(counter_ >> (8 * i));
  }
  ++counter_;
  crypto_stream_chacha20(out.data(), out.size(), nonce.data(), key.data());
}

}  // namespace micro
