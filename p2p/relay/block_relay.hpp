// Spreads blocks as headers and short ids (BIP-152): who has the items of a block in its pool needs only its header. A
// state machine over frames; the application checks headers and blocks, and owns both. Collisions of short ids are
// nobody's fault.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "chain/base/random.hpp"
#include "p2p/gossip/frame_protocol.hpp"
#include "p2p/relay/frames.hpp"
#include "p2p/relay/item_relay.hpp"
#include "p2p/relay/siphash.hpp"

namespace micro::p2p {

inline constexpr std::size_t kMaxBlockJobs = 16;        ///< blocks under way; further ones are passed over
inline constexpr std::size_t kMaxJobsOfPeer = 4;        ///< that it told of first
inline constexpr std::size_t kMaxBlockAnnouncers = 8;   ///< of one block; further ones are not noted
inline constexpr std::size_t kMaxAtOncePeers = 3;       ///< peers that we want compact blocks of at once
inline constexpr std::size_t kMaxServedAtOnce = 16;     ///< peers that get them at once; others wait until it is judged
inline constexpr std::size_t kMaxWaitingForItems = 32;  ///< requests for a block that is not whole here yet
inline constexpr std::size_t kMaxPrefillBytes = 10 * 1'024;
inline constexpr std::size_t kMaxQueuedBlockAnswers = 4;  ///< for one peer; further requests hear NoBlock
inline constexpr std::size_t kMaxQueuedBlockNews = 256;   ///< requests and news for one peer; the oldest are dropped
inline constexpr std::size_t kMaxQueuedBlockNewsBytes = 1 << 20;  ///< above it a peer hears of headers only
inline constexpr std::size_t kMaxRecentBlocks = 32;               ///< whose spreading is remembered
inline constexpr std::uint64_t kBlockItemsMs = 2'000;             ///< for an announcer to bring what is missing
inline constexpr std::uint64_t kBlockJudgeMs = 60'000;            ///< for the application

struct BlockParts {
  Bytes header;
  std::vector<SharedItem> items;
};

/// The application's blocks and pool. Looked at from within calls to the relay.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  /// kInvalid for what can be no header.
  [[nodiscard]] virtual Result<BlockKey> key_of(ByteView header) const = 0;
  /// It is here, or was found bad: not to be asked for.
  [[nodiscard]] virtual bool knows(const BlockKey& block) const = 0;
  /// Nothing where it is not here, whole.
  [[nodiscard]] virtual std::optional<BlockParts> find(const BlockKey& block) const = 0;
  [[nodiscard]] virtual Result<ItemId> id_of(ByteView item) const = 0;
  /// Every item that may be in a block.
  virtual void each_item(const std::function<void(const ItemId&, const SharedItem&)>& visit) const = 0;
};

/// A header that somebody tells of. It owes one `header_judged`.
struct HeaderToJudge {
  BlockKey block;
  Bytes header;
  PeerId from;
};
/// A whole block. It owes one `block_judged`; its items need not be those that the header commits to.
struct BlockToJudge {
  BlockKey block;
  BlockParts parts;
  PeerId from;
};

struct BlockRelayStats {
  std::uint64_t from_pool = 0;   ///< items that were here
  std::uint64_t prefilled = 0;   ///< and that came along
  std::uint64_t fetched = 0;     ///< and that were asked for
  std::uint64_t at_once = 0;     ///< blocks that were whole without asking
  std::uint64_t whole = 0;       ///< blocks that became whole
  std::uint64_t collisions = 0;  ///< blocks that had to be fetched anew
  std::uint64_t timeouts = 0;
  std::uint64_t given_up = 0;     ///< no announcer had it: whoever syncs finds it
  std::uint64_t passed_over = 0;  ///< at a bound
};

class BlockRelay final : public FrameProtocol {
 public:
  static constexpr Instant kNever{~std::uint64_t{0}};
  /// Both outlive it.
  BlockRelay(BlockSource& source, Random& random) : source_(source), random_(random) {}

  // --- the application's side ---
  /// A block of ours, in the source by now. `likely_missing`: indexes of items that peers hardly have, ascending.
  void publish(const BlockKey& block, const std::vector<std::uint32_t>& likely_missing, Instant now);
  std::vector<HeaderToJudge> take_headers();
  void header_judged(const BlockKey& block, ItemVerdict verdict, Instant now);
  std::vector<BlockToJudge> take_blocks();
  /// An accepted one is in the source by now. A rejected one that was put together from the pool is fetched anew first.
  void block_judged(const BlockKey& block, ItemVerdict verdict, Instant now);
  std::map<PeerId, double> take_offences();
  [[nodiscard]] const BlockRelayStats& stats() const { return stats_; }
  [[nodiscard]] std::size_t jobs() const { return jobs_.size(); }

  // --- the peers' side ---
  Status connected(const PeerId& peer, PeerFacts facts, Instant now) override;
  void disconnected(const PeerId& peer, Instant now) override;
  Status on_frame(const PeerId& from, ByteView frame, Instant now) override;
  Bytes next_frame(const PeerId& to, Instant now) override;
  std::vector<PeerId> take_ready() override;
  [[nodiscard]] Instant next_deadline() const override;
  void expire(Instant now) override;

 private:
  struct Peer {
    bool wants_at_once = false;
    std::deque<Bytes> control;  // modes, requests, news
    std::size_t control_bytes = 0;
    std::deque<std::variant<GetCompact, GetBlockItems>> answers;  // made when there is room for them: each may be long
    std::size_t jobs = 0;                                         // it told of first
  };
  enum class Stage : std::uint8_t {
    kHeader,   // at the application
    kCompact,  // asked an announcer for the short ids
    kItems,    // asked an announcer for what is missing
    kJudged,   // whole, at the application
  };
  struct Job {
    Stage stage = Stage::kHeader;
    Bytes header;
    PeerId first;                    // who told of it first
    std::vector<PeerId> announcers;  // that were not asked in vain yet
    std::optional<CompactBlock> compact;
    PeerId compact_from;
    bool is_own = false;      // it has the whole block and was asked for these: nobody else can have made them up
    bool is_doubted = false;  // some short ids were wrong: from then on only those that were asked for are looked at
    std::vector<SharedItem> items;  // null where missing
    std::vector<std::uint32_t> missing;
    bool from_pool = false;  // some items were put in by their short ids alone
    std::optional<PeerId> asked;
    Instant until = kNever;
    std::map<PeerId, std::optional<GetBlockItems>> waiting;  // for items that are not here yet, or for short ids
  };
  Peer* find(const PeerId& peer);
  void offend(const PeerId& peer, double count) { offences_[peer] += count; }
  void say(const PeerId& to, const BlockFrameOf& frame);
  void answer(const PeerId& to, std::variant<GetCompact, GetBlockItems> request);

  void on(const PeerId& from, const SetMode& frame, Instant now);
  void on(const PeerId& from, const NewHeader& frame, Instant now);
  void on(const PeerId& from, const CompactBlock& frame, Instant now);
  void on(const PeerId& from, const GetCompact& frame, Instant now);
  void on(const PeerId& from, const GetBlockItems& frame, Instant now);
  void on(const PeerId& from, const BlockItems& frame, Instant now);
  void on(const PeerId& from, const NoBlock& frame, Instant now);

  Job* note(const PeerId& from, ByteView header, Instant now);
  void put_together(const BlockKey& block, Job& job, Instant now);
  void fill_from_pool(Job& job);
  void ask_next(const BlockKey& block, Job& job, Instant now);
  void refuse(const BlockKey& block, Job& job, const PeerId& by, Instant now);
  [[nodiscard]] bool is_answer(const Job& job, const BlockItems& frame) const;
  bool fill(Job& job, const BlockItems& frame);
  void take_compact(const PeerId& from, const CompactBlock& frame, Job& job, Instant now);
  static void ask_first(Job& job, const PeerId& peer);
  void doubt(const BlockKey& block, Job& job, const PeerId& by, Instant now);
  void drop_compact(Job& job);
  void demote(const PeerId& peer);
  void whole(const BlockKey& block, Job& job, const PeerId& from, Instant now);
  void judge_again(const BlockKey& block, Job& job, Instant now);
  void drop(const BlockKey& block);
  void serve_waiting(const BlockKey& block, Job& job);
  BlockFrameOf answer_to(const GetCompact& request);
  BlockFrameOf answer_to(const GetBlockItems& request);
  void wait_for(const BlockKey& block, const PeerId& peer, std::optional<GetBlockItems> items);
  void tell(const BlockKey& block, ByteView header, const CompactBlock& compact, bool headers_too);
  void prefer(const PeerId& peer);
  CompactBlock compact_of(const BlockParts& parts, const std::vector<std::uint32_t>& prefill);
  std::set<PeerId>& told_of(const BlockKey& block);

  BlockSource& source_;
  Random& random_;
  std::map<PeerId, Peer> peers_;
  std::map<BlockKey, Job> jobs_;
  std::deque<PeerId> at_once_;  // peers that we asked for it, the latest useful one in front
  std::deque<std::pair<BlockKey, std::set<PeerId>>> told_;  // who knows of recent blocks, the newest in front
  std::vector<HeaderToJudge> headers_;
  std::vector<BlockToJudge> blocks_;
  std::map<PeerId, double> offences_;
  std::set<PeerId> ready_;
  BlockRelayStats stats_;
};

}  // namespace micro::p2p
