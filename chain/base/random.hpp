// Randomness is an input too. Shells hold a SystemRandom; tests and simulations a SeededRandom.
#pragma once

#include <cstdint>
#include <span>

#include "chain/base/fixed_bytes.hpp"

namespace micro {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;

  template <class Fixed>
  Fixed draw() {
    Fixed out;
    fill(out.data);
    return out;
  }
  std::uint64_t draw_u64();
};

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

/// ChaCha20 keystream of a 64-bit seed: equal seeds give equal bytes everywhere. Not for keys.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : seed_(seed) {}
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::uint64_t seed_;
  std::uint64_t counter_ = 0;
};

}  // namespace micro
