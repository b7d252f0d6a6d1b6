// Time is an input. Cores receive an Instant; shells own a Clock.
#pragma once

#include <compare>
#include <cstdint>

#include "chain/base/quantity.hpp"

namespace micro {

/// A point on a monotonic clock, in nanoseconds from an arbitrary start.
struct Instant {
  std::uint64_t ns = 0;
  constexpr auto operator<=>(const Instant&) const = default;
  /// The last there is, where the sum is beyond it.
  [[nodiscard]] constexpr Instant plus_ms(std::uint64_t ms) const {
    constexpr std::uint64_t kNsPerMs = 1'000'000;
    return ms > (UINT64_MAX - ns) / kNsPerMs ? Instant{UINT64_MAX} : Instant{ns + ms * kNsPerMs};
  }
};

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;  ///< monotonic
  [[nodiscard]] virtual TimeMs wall() const = 0;  ///< for block headers and for people
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override;
  [[nodiscard]] TimeMs wall() const override;
};

/// Moves only when told to. Wall time starts at 2026-01-01T00:00:00Z.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return now_; }
  [[nodiscard]] TimeMs wall() const override { return TimeMs(kStartMs + now_.ns / 1'000'000); }
  void advance_ms(std::uint64_t ms) { now_ = now_.plus_ms(ms); }

 private:
  static constexpr std::uint64_t kStartMs = 1'767'225'600'000;
  Instant now_;
};

}  // namespace micro
