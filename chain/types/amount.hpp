// Token amounts: unsigned micro-tokens (µT). There is no operator+: sums go through checked functions.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "chain/base/checked_math.hpp"
#include "chain/codec/fields.hpp"

namespace micro {

inline constexpr std::uint64_t kMicroPerToken = 1'000'000;
/// No account, sum or supply ever exceeds this (µT).
inline constexpr std::uint64_t kMaxSupplyMicro = 1ULL << 62;
inline constexpr std::uint32_t kPpm = 1'000'000;

struct Amount {
  std::uint64_t micro = 0;
  constexpr Amount() = default;
  constexpr explicit Amount(std::uint64_t v) : micro(v) {}
  constexpr auto operator<=>(const Amount&) const = default;
  [[nodiscard]] constexpr bool is_zero() const { return micro == 0; }
  static constexpr auto kFields = fields<&Amount::micro>;
};

inline Result<Amount> checked_add(Amount a, Amount b) {
  return Amount(TRY(checked_add(a.micro, b.micro)));
}
inline Result<Amount> checked_sub(Amount a, Amount b) {
  return Amount(TRY(checked_sub(a.micro, b.micro)));
}
/// a·num/den, rounded as said.
inline Result<Amount> mul_div(Amount a, std::uint64_t num, std::uint64_t den, Round round) {
  return Amount(TRY(mul_div(a.micro, num, den, round)));
}
inline constexpr Amount min(Amount a, Amount b) {
  return a < b ? a : b;
}

/// "12.500000": always six decimals, in tokens.
std::string amount_text(Amount amount);
/// "12.5", "12", "0.000001"; refuses signs, exponents, more than six decimals and values above the supply bound.
Result<Amount> parse_amount(std::string_view text);

}  // namespace micro
