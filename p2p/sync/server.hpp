// Answers what others ask while they catch up, within bounds: bytes, reads and processor time of each peer and of all,
// requests that wait, memory of large answers. Who asks for more is told to come back later.
#pragma once

#include <deque>
#include <list>

#include "p2p/calls/transport.hpp"
#include "p2p/peers/token_bucket.hpp"
#include "p2p/sync/ports.hpp"

namespace micro::p2p::sync {

struct ServerLimits {
  Rate peer_bytes{16u << 20, 32u << 20};
  Rate all_bytes{64u << 20, 128u << 20};
  Rate peer_reads{20'000, 40'000};  ///< of the source: a header, or so much of a block or state as is read at once
  Rate all_reads{80'000, 160'000};
  Rate peer_cpu_us{200'000, 400'000};  ///< of a processor second
  Rate all_cpu_us{500'000, 1'000'000};
  std::size_t max_waiting_per_peer = 32;
  std::size_t max_waiting = 512;
  std::size_t max_kept_bytes = 32u << 20;  ///< answers of several parts, until their last one
};

inline constexpr std::size_t kMaxServedPeers = 4'096;  ///< whose budgets are remembered

class SyncServer {
 public:
  /// Both outlive it.
  SyncServer(Transport& transport, Source& source, const ServerLimits& limits = {});

  /// A call of this protocol: refused, or put into the queue.
  void on_call(IncomingCall call, Instant now);
  void on_cancelled(CallId call);
  [[nodiscard]] bool has_work() const { return !queues_.empty(); }
  /// Answers one request; peers take turns. Whose it was.
  std::optional<PeerId> step(Instant now);
  /// What `step` took of the processor, as its caller measured it.
  void charge_cpu(const PeerId& peer, std::uint64_t us, Instant now);

  [[nodiscard]] std::size_t waiting() const { return waiting_; }
  [[nodiscard]] std::size_t kept_bytes() const { return kept_bytes_; }

 private:
  struct Spent {
    TokenBucket bytes;
    TokenBucket reads;
    TokenBucket cpu_us;
    [[nodiscard]] Instant ready_at() const { return std::max({bytes.ready_at(), reads.ready_at(), cpu_us.ready_at()}); }
    [[nodiscard]] bool is_full(Instant now) const {
      return bytes.is_full(now) && reads.is_full(now) && cpu_us.is_full(now);
    }
  };
  struct Waiting {
    CallId call = 0;
    Request request;
  };
  struct Kept {
    Hash request;
    std::shared_ptr<const Bytes> answer;
  };

  [[nodiscard]] Spent* budget(const PeerId& peer, Instant now);
  void refuse(CallId call, RefusalKind kind, std::uint64_t retry_ms);
  [[nodiscard]] std::uint64_t wait_ms(const Spent& spent, Instant now) const;
  Result<std::shared_ptr<const Bytes>> answer(const Request& request, std::uint64_t& reads);
  Result<Bytes> make(const Request& request, std::uint64_t& reads);
  Result<Bytes> blocks(const BlocksAsk& ask, std::size_t want_bytes, std::uint64_t& reads);
  template <class Out, class Item, class Read>
  Result<Bytes> by_id(const std::vector<Id>& ids, std::size_t want_bytes, std::uint64_t& reads, Read read);
  void keep(const Hash& request, const std::shared_ptr<const Bytes>& answer);

  Transport& transport_;
  Source& source_;
  ServerLimits limits_;
  Spent all_;
  std::map<PeerId, Spent> spent_;
  std::map<PeerId, std::deque<Waiting>> queues_;  // none is empty
  PeerId last_served_;
  std::size_t waiting_ = 0;
  std::list<Kept> kept_;  // the last used first
  std::size_t kept_bytes_ = 0;
};

}  // namespace micro::p2p::sync
