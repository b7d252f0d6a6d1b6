// Everything that was finalized, by height, and the indexes over it. One batch a block: the block, its certificate,
// receipts and index entries reach the disk together. Encodings are the network's; keys are a letter and big-endian
// numbers, so that the database's order is the order of heights.
#pragma once

#include <memory>

#include "chain/codec/fields.hpp"
#include "chain/state/mmr.hpp"
#include "chain/store/pending_index.hpp"
#include "chain/types/block.hpp"

namespace micro {

inline constexpr std::uint32_t kBoundaryTx = 0xffff'ffff;  ///< in place of a transaction's index: the epoch transition
inline constexpr std::size_t kMaxPageEntries = 1'000;
inline constexpr std::size_t kMaxPolicyIoBytes = 64u << 20;

/// Input and output of the epoch's policy run, kept for ever: a replay compares with them.
struct PolicyRecordIo {
  Blob<kMaxPolicyIoBytes> input;
  Blob<kMaxPolicyIoBytes> output;
  static constexpr auto kFields = fields<&PolicyRecordIo::input, &PolicyRecordIo::output>;
};

struct FinalizedBlock {
  BlockId id;
  Block block;
  std::optional<Certificate> certificate;  ///< none where a later block's makes this one final too
  BlockReceipts receipts;
  std::optional<PolicyRecordIo> policy;
  std::optional<ValidatorSet> next_validators;  ///< that a boundary block's header names
  std::vector<TxId> tx_ids;                     ///< of the body's transactions, in order
};

struct Tip {
  Height height;
  BlockId id;
  MmrPeaks ids_below;  ///< the ids of all blocks below the tip
  static constexpr auto kFields = fields<&Tip::height, &Tip::id, &Tip::ids_below>;
};

/// Where a transaction is: its place in the block, and its bytes within the stored body and receipts.
struct TxLocation {
  Height height;
  std::uint32_t index = 0;
  std::uint32_t tx_offset = 0;
  std::uint32_t tx_bytes = 0;
  std::uint32_t receipt_offset = 0;
  std::uint32_t receipt_bytes = 0;
  static constexpr auto kFields =
      fields<&TxLocation::height, &TxLocation::index, &TxLocation::tx_offset, &TxLocation::tx_bytes,
             &TxLocation::receipt_offset, &TxLocation::receipt_bytes>;
};

struct StoredTx {
  Height height;
  std::uint32_t index = 0;
  SignedTx tx;
  TxReceipt receipt;
};

/// A place in history. `tx` is an index in the block or kBoundaryTx.
struct TxCursor {
  Height height;
  std::uint32_t tx = 0;
  auto operator<=>(const TxCursor&) const = default;
};
/// An event: the `event`-th of a transaction, or of the boundary.
struct EventCursor {
  Height height;
  std::uint32_t tx = 0;
  std::uint32_t event = 0;
  auto operator<=>(const EventCursor&) const = default;
};

/// When index entries go to the database: with their block, or many blocks' together.
struct IndexLimits {
  std::size_t min_deferred = 1'000;      ///< entries of a block; fewer are written with it
  std::size_t max_entries = 256u << 10;  ///< that wait in memory: about 30 MiB
  std::uint64_t max_blocks = 256;        ///< since the first that waits: what opening reads again
};

/// Reads are safe from many threads, beside one writer.
class BlockStore {
 public:
  /// kMismatch when the database belongs to another chain. Reads the blocks again whose index entries were in memory
  /// when the process ended.
  static Result<BlockStore> open(std::unique_ptr<Kv> kv, const ChainId& chain, const IndexLimits& limits = {});

  /// The genesis header has height 0 and no certificate.
  Status put_genesis(const Header& header);
  /// The block above the tip.
  Status append(const FinalizedBlock& block);

  [[nodiscard]] const std::optional<Tip>& tip() const { return tip_; }
  // kNotFound where there is no such thing.
  [[nodiscard]] Result<Block> block(Height height) const;
  [[nodiscard]] Result<Header> header(Height height) const;
  [[nodiscard]] Result<Certificate> certificate(Height height) const;
  [[nodiscard]] Result<BlockReceipts> receipts(Height height) const;
  [[nodiscard]] Result<Height> height_of(const BlockId& id) const;
  [[nodiscard]] Result<Height> boundary_of(Epoch epoch) const;
  [[nodiscard]] Result<PolicyRecordIo> policy_io(Epoch epoch) const;
  /// A set that some boundary block named; kept for ever, once however often it was named.
  [[nodiscard]] Result<ValidatorSet> validator_set(const Hash& hash) const;
  [[nodiscard]] Result<StoredTx> tx(const TxId& id) const;
  [[nodiscard]] Result<EventCursor> decision(std::uint64_t number) const;
  [[nodiscard]] Result<Event> event(const EventCursor& at) const;
  /// Newest first, those strictly before `before`.
  [[nodiscard]] Result<std::vector<TxCursor>> history(const Address& account, std::optional<TxCursor> before,
                                                      std::size_t limit) const;
  [[nodiscard]] Result<std::vector<EventCursor>> service_events(const ServiceId& service,
                                                                std::optional<EventCursor> before,
                                                                std::size_t limit) const;
  /// The ids of all blocks below one that is stored.
  [[nodiscard]] Result<MmrPeaks> ids_below(Height height) const;
  /// That block `height` is among the first `below` blocks.
  [[nodiscard]] Result<MmrProof> prove_block(Height height, Height below) const;

 private:
  BlockStore(std::unique_ptr<Kv> kv, const IndexLimits& limits)
      : kv_(std::move(kv)), limits_(limits), pending_(std::make_unique<PendingIndex>()) {}
  [[nodiscard]] Result<Bytes> must_get(ByteView key, const char* what) const;
  Status index_again();
  void place_index(KvBatch& batch, KvBatch& index, Height height);
  Status store_index(Height tip);

  std::unique_ptr<Kv> kv_;
  IndexLimits limits_;
  std::unique_ptr<PendingIndex> pending_;
  std::optional<Height> pending_from_;  ///< as the database has it: entries of blocks from here on may be missing there
  std::optional<Tip> tip_;
};

}  // namespace micro
