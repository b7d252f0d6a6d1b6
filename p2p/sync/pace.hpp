// How fast a peer gives: how much it is asked for at once, and how long that may take.
#pragma once

#include "chain/base/clock.hpp"
#include "p2p/sync/messages.hpp"

namespace micro::p2p::sync {

inline constexpr std::size_t kMaxFlightsPerPeer = 16;
inline constexpr std::uint64_t kMaxFlightBytesPerPeer = 4u << 20;
inline constexpr std::uint64_t kWindowMs = 2'000;    ///< what a peer gives in this time may be under way
inline constexpr std::uint64_t kRequestMs = 250;     ///< one request asks for what it gives in this time
inline constexpr std::uint64_t kMinStallMs = 2'000;  ///< until a request is given up; doubled each time
inline constexpr std::uint64_t kMaxStallMs = 64'000;
inline constexpr std::uint64_t kOverdueMs = 1'000;  ///< at least, until another may take a request over
inline constexpr std::size_t kMaxStalls = 4;        ///< in a row, then the peer is too slow for anything

class Pace {
 public:
  /// Of the next request.
  [[nodiscard]] std::uint32_t want_bytes() const;
  [[nodiscard]] bool has_room(std::size_t flights, std::uint64_t flight_bytes) const;
  /// When a request that is made now, behind others of so many bytes, is late.
  [[nodiscard]] Instant late_at(std::uint64_t flight_bytes, Instant now) const;
  /// When such a request should have been answered long ago.
  [[nodiscard]] Instant overdue_at(std::uint64_t flight_bytes, Instant now) const;
  /// 0 before anything was measured.
  [[nodiscard]] std::uint64_t bytes_per_s() const;
  [[nodiscard]] std::size_t stalls() const { return stalls_; }

  /// A reply came to a request for `wanted` bytes.
  void on_reply(std::size_t bytes, std::uint32_t wanted, Instant sent, Instant now);
  /// An answer of so many bytes was not all that was asked for.
  void on_some(std::size_t bytes, std::uint32_t wanted);
  /// None came in time.
  void on_stall();
  /// It has too much to do, or another was quicker.
  void hold_back();

 private:
  [[nodiscard]] std::uint64_t expected_ms(std::uint64_t flight_bytes) const;
  std::uint32_t first_want_ = 64 * 1'024;        // before anything was measured
  std::uint64_t most_ = kMaxFlightBytesPerPeer;  // under way; less after refusals
  std::uint64_t bytes_ = 0;                      // recent ones, and the time that they took
  std::uint64_t ns_ = 0;
  std::uint64_t stall_ms_ = kMinStallMs;
  std::size_t stalls_ = 0;
  Instant last_reply_;
};

}  // namespace micro::p2p::sync
