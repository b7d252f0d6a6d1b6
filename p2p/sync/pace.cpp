#include "p2p/sync/pace.hpp"

#include <algorithm>

namespace micro::p2p::sync {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kNsPerS = 1'000'000'000;

}  // namespace

std::uint64_t Pace::bytes_per_s() const {
  return bytes_ == 0 ? 0 : bytes_ * kNsPerS / std::max(ns_, kNsPerMs);
}

std::uint32_t Pace::want_bytes() const {
  if (bytes_ == 0) return first_want_;
  return static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(bytes_per_s() * kRequestMs / 1'000, kMinWantBytes, kMaxWantBytes));
}

bool Pace::has_room(std::size_t flights, std::uint64_t flight_bytes) const {
  if (flights == 0) return true;
  const std::uint64_t window = bytes_ == 0 ? 2 * first_want_ : bytes_per_s() * kWindowMs / 1'000;
  return flights < kMaxFlightsPerPeer && flight_bytes + want_bytes() <= std::min(window, most_);
}

std::uint64_t Pace::expected_ms(std::uint64_t flight_bytes) const {
  if (bytes_ == 0) return 0;
  return (flight_bytes + want_bytes()) * 1'000 / std::max<std::uint64_t>(bytes_per_s(), 1);
}

Instant Pace::late_at(std::uint64_t flight_bytes, Instant now) const {
  return now.plus_ms(std::clamp(4 * expected_ms(flight_bytes), stall_ms_, kMaxStallMs));
}

Instant Pace::overdue_at(std::uint64_t flight_bytes, Instant now) const {
  return now.plus_ms(std::max(2 * expected_ms(flight_bytes), kOverdueMs));
}

void Pace::on_reply(std::size_t bytes, std::uint32_t wanted, Instant sent, Instant now) {
  stalls_ = 0;
  stall_ms_ = kMinStallMs;
  most_ = std::min(kMaxFlightBytesPerPeer, most_ + bytes);
  const std::uint64_t ns = now.ns - std::min(now.ns, std::max(sent.ns, last_reply_.ns));
  last_reply_ = now;
  // A small reply measures the way there and back, not how much goes through.
  if (bytes < wanted / 4) return;
  bytes_ = bytes_ - bytes_ / 4 + bytes;
  ns_ = ns_ - ns_ / 4 + ns;
}

// Who could give more, and does not, is as slow as it seems: or it would be asked first for ever.
void Pace::on_some(std::size_t bytes, std::uint32_t wanted) {
  if (bytes < wanted / 4) bytes_ /= 2;
}

void Pace::on_stall() {
  ++stalls_;
  stall_ms_ = std::min(kMaxStallMs, 2 * stall_ms_);
  first_want_ = std::max(kMinWantBytes, first_want_ / 2);
  bytes_ /= 2;
  hold_back();
}

void Pace::hold_back() {
  most_ = std::max<std::uint64_t>(kMinWantBytes, most_ / 2);
}

}  // namespace micro::p2p::sync
