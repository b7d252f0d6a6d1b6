// Brings headers, blocks and a state from several peers at once. Each peer has a window that follows what it gives;
// what a slow, silent or lying one was asked for goes to others; who lies is dropped with the reason. Everything that
// came is checked before anything else happens to it. Time is an argument.
#pragma once

#include <deque>
#include <memory>
#include <set>

#include "p2p/calls/transport.hpp"
#include "p2p/sync/height_plan.hpp"
#include "p2p/sync/id_plan.hpp"
#include "p2p/sync/pace.hpp"
#include "p2p/sync/state_plan.hpp"

namespace micro::p2p::sync {

inline constexpr std::size_t kMaxSyncPeers = 16;              ///< asked at once; others wait for a place
inline constexpr std::uint64_t kIdlePlaceMs = 10'000;         ///< without use, until who waits takes the place
inline constexpr std::size_t kMaxAssembledBytes = 64u << 20;  ///< of answers in several parts
inline constexpr std::uint64_t kStatusMs = 10'000;            ///< between questions what a peer has
inline constexpr std::uint64_t kPauseMs = 1'000;              ///< for a peer that failed; doubled each time
inline constexpr std::uint64_t kMaxPauseMs = 64'000;
inline constexpr std::uint64_t kStealMs = 500;       ///< under way at least, before a quicker peer takes it over
inline constexpr std::size_t kMaxEmptyPromises = 4;  ///< times a peer lacks what it says it has
inline constexpr std::size_t kMaxLiars = 1'024;      ///< remembered

enum class DropReason : std::uint8_t {
  kLied,     ///< what it gave is not true, or breaks the protocol
  kSlow,     ///< it does not answer in time, again and again
  kUseless,  ///< it does not have what it says
};
struct Dropped {
  PeerId peer;
  DropReason reason = DropReason::kLied;
  std::string why;
};

/// For tools.
struct SyncPeerView {
  PeerId peer;
  std::uint64_t bytes_per_s = 0;
  std::uint64_t bytes = 0;   ///< of answers
  std::size_t requests = 0;  ///< under way
  std::uint64_t highest = 0;
};

class SyncClient {
 public:
  /// Both outlive it.
  SyncClient(Transport& transport, Sink& sink);
  ~SyncClient();
  SyncClient(const SyncClient&) = delete;
  SyncClient& operator=(const SyncClient&) = delete;

  /// Begins, or goes on behind a restart. What was under way before is forgotten. kInvalid.
  Status start(const Progress& progress, Instant now);
  /// To be kept: everything before it was handed over.
  [[nodiscard]] Progress progress() const;
  /// kBusy while too many are wanted.
  Status want_header(const Id& id, Instant now);
  Status want_block(const Id& id, Instant now);
  /// Ids that no peer has; they are no longer wanted. The caller clears it.
  std::vector<Id>& unknown() { return unknown_; }
  /// Everything that was wanted is there.
  [[nodiscard]] bool done() const;
  /// Why it ended: the application could not keep something.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

  /// A peer that is connected and speaks the protocol. One that was dropped for a lie stays away.
  void add_peer(const PeerId& peer, Instant now);
  void remove_peer(const PeerId& peer, Instant now);
  /// Whom to disconnect; the caller clears it.
  std::vector<Dropped>& dropped() { return dropped_; }
  [[nodiscard]] std::vector<SyncPeerView> peers() const;
  /// What a peer said it has.
  [[nodiscard]] std::optional<StatusAnswer> status_of(const PeerId& peer) const;

  // --- from the transport ---
  void on_result(CallId call, Result<Bytes> result, Instant now);
  void on_ready(const PeerId& peer, Instant now);

  void tick(Instant now);
  /// When to tick: now or before where something is due. Nothing where only peers or results can bring it on.
  [[nodiscard]] std::optional<Instant> next_wake(Instant now) const;

 private:
  struct Peer {
    Pace pace;
    std::optional<StatusAnswer> status;
    Instant ask_status_at;
    Instant paused_until;
    std::uint64_t pause_ms = kPauseMs;
    std::size_t empty_promises = 0;
    std::size_t flights = 0;
    std::uint64_t flight_bytes = 0;
    std::uint64_t bytes = 0;
    bool asks_status = false;
    bool waits_for_transport = false;
    bool gone = false;               // from the list as soon as nobody walks it
    std::optional<Instant> used_at;  // it was asked for something last, or came in
  };
  /// A request under way, or between two parts of its answer.
  struct Flight {
    PeerId peer;
    Plan* plan = nullptr;  // none: what the peer has
    Ask ask;
    std::uint32_t want_bytes = 0;
    Instant begun;
    Instant sent;
    Instant late_at;             // it counts as lost
    Instant overdue_at;          // another may take it over; later with each part
    std::optional<CallId> call;  // none: to be sent again when the peer is not paused
    bool is_refused = false;     // it has too much to do for the next part
    Bytes answer;                // so far
    std::uint32_t total = 0;
  };
  using FlightId = std::uint64_t;
  using Flights = std::map<FlightId, Flight>;

  [[nodiscard]] static Candidate candidate(const PeerId& id, const Peer& peer);
  void pump(Instant now);
  bool ask_more(const PeerId& id, Peer& peer, Instant now);
  bool steal(const PeerId& id, Peer& peer, Instant now);
  void ask_status(const PeerId& id, Peer& peer, Instant now);
  bool begin(const PeerId& id, Peer& peer, Plan* plan, Ask ask, Instant now);
  Status send(Flight& flight, Peer& peer, FlightId id, Instant now);
  void resend(Instant now);
  void end(Flights::iterator flight, bool give_back);
  void on_part(Flights::iterator flight, Part part, Instant now);
  void on_refusal(Flights::iterator flight, const Refusal& refusal, Instant now);
  void on_empty_promise(Flights::iterator flight, const char* what, Instant now);
  void on_failure(Flights::iterator flight, const Error& error, Instant now);
  void complete(Flights::iterator flight);
  void pause(Peer& peer, Instant now);
  void drop(const PeerId& peer, DropReason reason, std::string why);
  void settle();
  void sweep();
  void change_places(Instant now);
  [[nodiscard]] static bool is_idle(const Peer& peer) { return peer.flights == (peer.asks_status ? 1U : 0U); }
  void collect_unknown();

  Transport& transport_;
  Sink& sink_;
  std::map<PeerId, Peer> peers_;
  std::deque<PeerId> waiting_;  // connected, without a place among the asked
  std::set<PeerId> liars_;
  Flights flights_;
  std::map<CallId, FlightId> calls_;
  FlightId last_flight_ = 0;
  std::size_t assembled_bytes_ = 0;
  Id anchor_;
  IdPlan headers_by_id_;
  IdPlan blocks_by_id_;
  std::unique_ptr<HeaderPlan> headers_;
  std::unique_ptr<BlockPlan> blocks_;
  std::unique_ptr<StatePlan> state_;
  std::vector<Plan*> plans_;  // what few ask for and somebody waits for comes first
  std::vector<Id> unknown_;
  std::vector<Dropped> dropped_;
  std::optional<Error> failure_;
  Instant pumped_;  // what came due since then is not done
};

}  // namespace micro::p2p::sync
