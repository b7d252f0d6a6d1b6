// So much a second and a stock of so much (the generic cell rate algorithm, ITU-T I.371): one point in time is all its
// state. Integers only; whoever spends more than there is goes into debt and waits.
#pragma once

#include <algorithm>

#include "chain/base/clock.hpp"

namespace micro::p2p {

struct Rate {
  std::uint64_t per_s = 1;  ///< at least 1
  std::uint64_t stock = 1;  ///< at least 1; times 1e9 it fits 64 bits
  bool operator==(const Rate&) const = default;
};

class TokenBucket {
 public:
  /// Full.
  explicit TokenBucket(Rate rate) : rate_(rate) {}

  /// Takes them if they are there.
  bool take(std::uint64_t count, Instant now) {
    if (std::max(full_at_ns_, now.ns) + cost_ns(count) > now.ns + stock_ns()) return false;
    spend(count, now);
    return true;
  }
  /// Takes them whether there or not.
  void spend(std::uint64_t count, Instant now) { full_at_ns_ = std::max(full_at_ns_, now.ns) + cost_ns(count); }
  /// The same, but it stays in debt for no longer than its stock takes to come.
  void spend_briefly(std::uint64_t count, Instant now) {
    spend(count, now);
    full_at_ns_ = std::min(full_at_ns_, now.ns + 2 * stock_ns());
  }
  /// When it is out of debt, and so much of its stock is there; in the past or now where it is.
  [[nodiscard]] Instant ready_at(std::uint64_t reserve_ns = 0) const {
    const std::uint64_t may_miss_ns = stock_ns() - reserve_ns;
    return {full_at_ns_ > may_miss_ns ? full_at_ns_ - may_miss_ns : 0};
  }
  /// What is missing of its stock, in time to fill it up; more than `stock_ns` in debt.
  [[nodiscard]] std::uint64_t missing_ns(Instant now) const { return full_at_ns_ > now.ns ? full_at_ns_ - now.ns : 0; }
  [[nodiscard]] bool is_full(Instant now) const { return missing_ns(now) == 0; }
  /// The time in which the whole stock comes.
  [[nodiscard]] std::uint64_t stock_ns() const { return cost_ns(rate_.stock); }

 private:
  static constexpr std::uint64_t kNsPerS = 1'000'000'000;
  [[nodiscard]] std::uint64_t cost_ns(std::uint64_t count) const { return count * kNsPerS / rate_.per_s; }

  Rate rate_;
  std::uint64_t full_at_ns_ = 0;  // if nothing more is taken
};

}  // namespace micro::p2p
