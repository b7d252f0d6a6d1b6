// What lies between nodes: for each direction of each pair delay, jitter, loss, reordering, a rate with a bounded
// queue, or nothing at all. Frames in, frames out when they are due; time is an argument, and the dice of a link depend
// on the seed and on the frames of that link only. The emulator puts sockets around it.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "chain/base/bytes.hpp"
#include "chain/base/clock.hpp"

namespace micro::netns {

inline constexpr std::size_t kMaxNodes = 64;
inline constexpr std::size_t kMaxInFlightBytes = 64 << 20;  ///< of all links; what comes on top is dropped
inline constexpr std::uint32_t kPpm = 1'000'000;            ///< shares are parts of a million

/// One direction of a pair.
struct LinkRules {
  std::uint64_t delay_us = 0;
  std::uint64_t jitter_us = 0;  ///< evenly up to so much earlier or later; frames keep their order
  std::uint32_t loss_ppm = 0;
  std::uint32_t reorder_ppm = 0;  ///< these come up to reorder_us later and let others pass
  std::uint64_t reorder_us = 0;
  std::uint64_t rate_bps = 0;          ///< bits a second; 0: no limit
  std::uint64_t burst_bytes = 3'000;   ///< that leave at once after a rest
  std::uint64_t queue_bytes = 64'000;  ///< that wait for the rate; what comes on top is dropped
  bool blocked = false;
  bool operator==(const LinkRules&) const = default;
};

/// Frames of one direction; each that was offered ends in one of the others or is still in flight.
struct LinkCounts {
  std::uint64_t offered = 0;
  std::uint64_t delivered = 0;
  std::uint64_t delivered_bytes = 0;
  std::uint64_t lost = 0;      ///< to the dice
  std::uint64_t blocked = 0;   ///< by a link that is cut, also those that were on it
  std::uint64_t overflow = 0;  ///< no room in the queue
  std::uint64_t reordered = 0;
  LinkCounts& operator+=(const LinkCounts& other);
  bool operator==(const LinkCounts&) const = default;
};

class LinkModel {
 public:
  LinkModel(std::size_t nodes, std::uint64_t seed);

  [[nodiscard]] std::size_t nodes() const { return nodes_; }
  /// From now on. A link that is cut loses what is on it.
  void set(std::size_t from, std::size_t to, const LinkRules& rules);
  [[nodiscard]] const LinkRules& rules(std::size_t from, std::size_t to) const { return link(from, to).rules; }
  [[nodiscard]] const LinkCounts& counts(std::size_t from, std::size_t to) const { return link(from, to).counts; }
  [[nodiscard]] std::size_t in_flight() const { return flying_.size(); }

  /// A frame that a node sends at this time, which never runs backwards.
  void offer(std::size_t from, std::size_t to, Bytes frame, Instant now);
  /// When the next one arrives.
  [[nodiscard]] std::optional<Instant> next_at() const;
  struct Arrival {
    std::size_t from = 0;
    std::size_t to = 0;
    Bytes frame;
    Instant at;
  };
  /// All that have arrived by now, in their order.
  std::vector<Arrival> take_due(Instant now);

 private:
  struct Link {
    LinkRules rules;
    LinkCounts counts;
    std::uint64_t dice = 0;
    Instant paid_at;  // when the bucket of the rate is full again
    Instant last_at;  // when the last one that keeps its place arrives
  };
  [[nodiscard]] const Link& link(std::size_t from, std::size_t to) const { return links_.at(from * nodes_ + to); }
  Link& link(std::size_t from, std::size_t to) { return links_.at(from * nodes_ + to); }
  static std::uint64_t roll(Link& link, std::uint64_t sides);
  static std::optional<Instant> leaves_at(Link& link, std::size_t bytes, Instant now);
  static Instant arrives_at(Link& link, Instant leaves);

  std::size_t nodes_;
  std::vector<Link> links_;
  std::map<std::pair<Instant, std::uint64_t>, Arrival> flying_;  // by when, then by who came first
  std::uint64_t sequence_ = 0;
  std::size_t flying_bytes_ = 0;
};

}  // namespace micro::netns
