// Integer arithmetic that returns an error instead of wrapping. Nothing in chain/ adds amounts any other way.
#pragma once

#include <cstdint>
#include <limits>

#include "chain/base/result.hpp"

namespace micro {

using u128 = unsigned __int128;

inline Result<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  if (__builtin_add_overflow(a, b, &out)) return fail(Fault::kInvalid, "sum overflows 64 bits");
  return out;
}

inline Result<std::uint64_t> checked_sub(std::uint64_t a, std::uint64_t b) {
  if (b > a) return fail(Fault::kInvalid, "difference is negative");
  return a - b;
}

inline Result<std::uint64_t> checked_mul(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  if (__builtin_mul_overflow(a, b, &out)) return fail(Fault::kInvalid, "product overflows 64 bits");
  return out;
}

enum class Round : std::uint8_t { kFloor, kCeil };

/// a·b/d through 128 bits. Round against the mover: fees ceil, payouts floor.
inline Result<std::uint64_t> mul_div(std::uint64_t a, std::uint64_t b, std::uint64_t d, Round round) {
  if (d == 0) return fail(Fault::kInvalid, "division by zero");
  const u128 product = static_cast<u128>(a) * b;
  u128 quotient = product / d;
  if (round == Round::kCeil && product % d != 0) ++quotient;
  if (quotient > std::numeric_limits<std::uint64_t>::max()) return fail(Fault::kInvalid, "quotient overflows 64 bits");
  return static_cast<std::uint64_t>(quotient);
}

}  // namespace micro
