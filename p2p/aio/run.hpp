// Runs a loop whose answers are waited for. A thread that sleeps is woken late: on a virtual machine it costs tens of
// microseconds, several times what a call costs otherwise.
#pragma once

#include <sched.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>

namespace micro {

inline constexpr std::chrono::microseconds kLookOutTime{50};  ///< for what may come, before a loop sleeps
inline constexpr unsigned kMostLuck = 8;                      ///< so many sleeps in vain are forgiven
inline constexpr unsigned kTryAgainAfter = 64;                ///< sleeps, until it is tried whether that has changed

/// Like `run`, but before it sleeps it looks out for a moment, for as long as that was of use lately. Whoever else
/// wants the processor gets it meanwhile.
inline void run_alert(boost::asio::io_context& io) {
  using Steady = std::chrono::steady_clock;
  unsigned luck = 0;
  unsigned sleeps = 0;
  while (true) {
    if (io.poll() > 0) continue;
    if (io.stopped()) return;
    bool came = false;
    if (luck > 0 || ++sleeps % kTryAgainAfter == 0) {
      const auto until = Steady::now() + kLookOutTime;
      while (!came && !io.stopped() && Steady::now() < until) {
        ::sched_yield();
        came = io.poll() > 0;
      }
      luck = came ? std::min(luck + 1, kMostLuck) : luck - std::min(luck, 1U);
    }
    if (!came && io.run_one() == 0) return;
  }
}

}  // namespace micro
