// Several addresses of one peer, of which the first that connects is taken (Happy Eyeballs, RFC 8305, §4-5): families
// take turns, IPv6 first, and the next attempt begins when the one before failed or is slow. Decisions only: who owns
// the sockets tells what became of each attempt and asks what to do.
#pragma once

#include <optional>

#include "chain/base/clock.hpp"
#include "p2p/peers/address_group.hpp"

namespace micro::p2p {

inline constexpr std::uint64_t kNextAttemptMs = 250;  ///< RFC 8305, §8: the recommended delay
inline constexpr std::uint64_t kAttemptMs = 10'000;   ///< for one to connect
inline constexpr std::size_t kMaxRaced = 8;           ///< addresses of one peer that are tried, in all

class DialRace {
 public:
  /// Takes the order of families into account; what is beyond kMaxRaced is left out.
  explicit DialRace(std::vector<Multiaddr> addresses);

  struct Step {
    std::vector<std::size_t> begin;   ///< attempts to begin, by their number in `addresses`
    std::vector<std::size_t> cancel;  ///< attempts to give up
    std::optional<Instant> wake;      ///< call `step` then at the latest
  };
  /// What to do now.
  Step step(Instant now);
  void failed(std::size_t attempt);
  /// The first one wins; every other one that runs is in the next step's `cancel`.
  void connected(std::size_t attempt);

  [[nodiscard]] const std::vector<Multiaddr>& addresses() const { return addresses_; }
  [[nodiscard]] std::optional<std::size_t> winner() const { return winner_; }
  /// Nobody connected and nothing is left to try.
  [[nodiscard]] bool lost() const;

 private:
  enum class State : std::uint8_t { kWaiting, kRunning, kOver };
  struct Attempt {
    State state = State::kWaiting;
    Instant begun;
  };
  std::vector<Multiaddr> addresses_;
  std::vector<Attempt> attempts_;
  std::size_t next_ = 0;
  std::optional<Instant> last_begun_;
  bool begin_at_once_ = true;  // nothing runs yet, or what ran last failed
  std::optional<std::size_t> winner_;
};

}  // namespace micro::p2p
