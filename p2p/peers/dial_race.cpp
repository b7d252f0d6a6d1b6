#include "p2p/peers/dial_race.hpp"

#include <algorithm>

#include "chain/base/check.hpp"

namespace micro::p2p {
namespace {

// One family after the other for as long as both have some; the order within a family stays.
std::vector<Multiaddr> in_turns(std::vector<Multiaddr> addresses) {
  const auto is_v6 = [](const Multiaddr& address) {
    const auto ip = IpAddress::of(address);
    return ip && !ip->is_v4();
  };
  std::vector<Multiaddr> six;
  std::vector<Multiaddr> others;
  for (Multiaddr& address : addresses) (is_v6(address) ? six : others).push_back(std::move(address));
  std::vector<Multiaddr> out;
  for (std::size_t n = 0; n < std::max(six.size(), others.size()); ++n) {
    if (n < six.size()) out.push_back(std::move(six[n]));
    if (n < others.size()) out.push_back(std::move(others[n]));
  }
  if (out.size() > kMaxRaced) out.resize(kMaxRaced);
  return out;
}

}  // namespace

DialRace::DialRace(std::vector<Multiaddr> addresses)
    : addresses_(in_turns(std::move(addresses))), attempts_(addresses_.size()) {}

DialRace::Step DialRace::step(Instant now) {
  Step step;
  for (std::size_t n = 0; n < next_; ++n) {
    Attempt& attempt = attempts_[n];
    if (attempt.state != State::kRunning || winner_ == n) continue;
    if (!winner_ && now < attempt.begun.plus_ms(kAttemptMs)) continue;
    attempt.state = State::kOver;
    step.cancel.push_back(n);
    begin_at_once_ = true;
  }
  if (winner_) return step;
  const bool slow = last_begun_ && now >= last_begun_->plus_ms(kNextAttemptMs);
  if (next_ < attempts_.size() && (begin_at_once_ || slow)) {
    attempts_[next_] = {.state = State::kRunning, .begun = now};
    step.begin.push_back(next_++);
    last_begun_ = now;
    begin_at_once_ = false;
  }
  if (next_ < attempts_.size()) step.wake = last_begun_->plus_ms(kNextAttemptMs);
  for (std::size_t n = 0; n < next_; ++n) {
    if (attempts_[n].state != State::kRunning) continue;
    const Instant end = attempts_[n].begun.plus_ms(kAttemptMs);
    if (!step.wake || end < *step.wake) step.wake = end;
  }
  return step;
}

void DialRace::failed(std::size_t attempt) {
  CHECK(attempt < next_, "an attempt that began");
  if (attempts_[attempt].state != State::kRunning || winner_ == attempt) return;
  attempts_[attempt].state = State::kOver;
  if (attempt + 1 == next_) begin_at_once_ = true;
}

void DialRace::connected(std::size_t attempt) {
  CHECK(attempt < next_, "an attempt that began");
  if (attempts_[attempt].state == State::kRunning && !winner_) winner_ = attempt;
}

bool DialRace::lost() const {
  const auto over = [](const Attempt& attempt) { return attempt.state == State::kOver; };
  return !winner_ && next_ == attempts_.size() && std::ranges::all_of(attempts_, over);
}

}  // namespace micro::p2p
