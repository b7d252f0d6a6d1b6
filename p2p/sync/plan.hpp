// One kind of thing to bring: what to ask next, and what an answer is worth. Who is asked, and when, is not its matter.
#pragma once

#include "p2p/sync/key_ranges.hpp"
#include "p2p/sync/ports.hpp"
#include "p2p/wire/peer_id.hpp"

namespace micro::p2p::sync {

/// Of the peer for which work is looked for.
struct Candidate {
  PeerId peer;
  const StatusAnswer* status = nullptr;  ///< what it says it has
  std::uint32_t want_bytes = 0;          ///< that it gives in the time of one request
  bool is_idle = false;                  ///< nothing of it is under way
};

class Plan {
 public:
  virtual ~Plan() = default;
  /// What this peer is asked next: from now on it is under way, until `give_back` or `on_answer`.
  [[nodiscard]] virtual std::optional<Ask> next(const Candidate& candidate) = 0;
  /// Whether this peer could be asked the same.
  [[nodiscard]] virtual bool can_answer(const Candidate& candidate, const Ask& ask) const = 0;
  /// No answer came.
  virtual void give_back(const Ask& ask) = 0;
  /// Whether that was all. An error is the peer's lie; what was asked is open again then. What an answer leaves out is
  /// open again too.
  virtual Result<bool> on_answer(const PeerId& peer, const Ask& ask, ByteView answer) = 0;
  /// Hands over some of what was found to be true. An error is this node's own.
  virtual Status settle() = 0;
  /// Whether `settle` has more to hand over.
  [[nodiscard]] virtual bool unsettled() const = 0;
  [[nodiscard]] virtual bool done() const = 0;
  /// A smaller number holds up more: of what is under way, what to bring first.
  [[nodiscard]] virtual std::uint64_t rank(const Ask& ask) const = 0;
};

inline constexpr std::size_t kTakesPerTurn = 16;  ///< handed over in one turn, so that nobody else waits for long

}  // namespace micro::p2p::sync
