#include "chain/base/clock.hpp"

#include <chrono>

namespace micro {

Instant SystemClock::now() const {
  const auto t = std::chrono::steady_clock::now().time_since_epoch();
  return {static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(t).count())};
}

TimeMs SystemClock::wall() const {
  const auto t = std::chrono::system_clock::now().time_since_epoch();
  return TimeMs(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(t).count()));
}

}  // namespace micro
