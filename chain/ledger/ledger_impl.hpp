// The ledger of a node: rules (chain/execution), state (chain/trie), disk (chain/store) and waiting transactions
// (chain/mempool) behind the port that consensus uses. Unfinalized blocks are diffs in memory; finalizing one writes
// its block, then its state. Safe to use from many threads: blocks are worked on one at a time, reads see the finalized
// head.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "chain/execution/execute.hpp"
#include "chain/ledger/prepare.hpp"
#include "chain/ledger/verified_cache.hpp"
#include "chain/ledger/work_pool.hpp"
#include "chain/store/block_store.hpp"
#include "chain/store/state_store.hpp"
#include "chain/trie/merkle_tree.hpp"
#include "chain/types/ledger_port.hpp"

namespace micro {

/// Executed blocks that wait for finality; beyond, an old one is forgotten with what stands on it: to be executed
/// again.
inline constexpr std::size_t kMaxUnfinalizedBlocks = 64;

struct LedgerOptions {
  MempoolLimits mempool;
  std::size_t threads = 0;  ///< that verify signatures; 0: one a core
  IndexLimits index;
  StateLimits state;
};

/// What became of a transaction that somebody sent in.
struct Submission {
  TxId id;
  TxStatus status = TxStatus::kOk;            ///< kOk: it waits for a block, unless…
  PoolVerdict verdict = PoolVerdict::kAdded;  ///< …the pool has no place for it
  [[nodiscard]] bool waits() const { return status == TxStatus::kOk && verdict <= PoolVerdict::kKnown; }
};

class LedgerImpl final : public Ledger, public FinalChain {
 public:
  /// Brings the databases to the ledger's tip: writes the genesis into empty ones, and executes the blocks that the
  /// state does not have yet. kMismatch when they belong to another genesis, kCorrupt when they contradict each other.
  static Result<std::unique_ptr<LedgerImpl>> open(const Genesis& genesis, std::unique_ptr<Kv> ledger_db,
                                                  std::unique_ptr<Kv> state_db, PolicyPort& policy,
                                                  const LedgerOptions& options);

  // --- for consensus. After kIo or kCorrupt nothing works any more: the process has to stop. ---
  Result<Block> propose(const BlockId& parent, TimeMs time, const ProposeLimits& limits) override;
  Status execute(const Block& block) override;
  Status finalize(const BlockId& block, const std::optional<Certificate>& certificate) override;
  [[nodiscard]] Result<ValidatorSet> validators(Epoch epoch) const override;
  [[nodiscard]] Result<ChainHead> head() const override;
  [[nodiscard]] Result<Block> final_block(const BlockId& id) const override;
  [[nodiscard]] Result<Certificate> boundary_certificate(Epoch epoch) const override;

  // --- waiting transactions ---
  /// Checks, verifies the signature and queues.
  Submission submit(SignedTx tx);
  /// The same through the lane that no flood fills: for what this node has to say about others' faults.
  Submission submit_reserved(const SignedTx& tx);
  /// In order, with the signatures verified on all cores.
  std::vector<Submission> submit_batch(std::span<const SignedTx> txs);
  [[nodiscard]] bool txs_wait() const;
  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] std::optional<SignedTx> waiting_tx(const TxId& id) const;
  /// The nonce that the sender's next transaction takes, its waiting ones counted.
  [[nodiscard]] Nonce pending_nonce(const Address& sender) const;
  /// Signatures that this ledger verified since it was opened.
  [[nodiscard]] std::uint64_t verifications() const { return verifications_; }

  // --- reading at the finalized head ---
  /// Calls `read(const StateView&, const Header& head)` while the head stands still. Keep it short, copy what you need.
  template <class Read>
  auto read(Read&& read_state) const {
    const std::shared_lock lock(state_mutex_);
    return read_state(static_cast<const StateView&>(tree_), head_header_);
  }
  struct ProvenState {
    Header header;
    std::optional<Bytes> value;
    StateProof proof;
  };
  [[nodiscard]] ProvenState prove(const StatePath& path) const;
  /// A piece of the whole state: for a node that has none yet. The header names the root.
  struct ProvenRange {
    Header header;
    MerkleTree::Range range;
  };
  [[nodiscard]] ProvenRange prove_range(const StatePath& first, const StatePath& last,
                                        const MerkleTree::RangeLimits& limits) const;
  struct ProvenTx {
    Header header;
    StoredTx stored;
    MerkleProof tx_proof;
    MerkleProof receipt_proof;
  };
  [[nodiscard]] Result<ProvenTx> prove_tx(const TxId& id) const;
  struct ProvenEvent {
    Header header;
    Event event;
    MerkleProof proof;  ///< under events_root
  };
  /// Of a boundary event; the events of transactions are proved with their receipt.
  [[nodiscard]] Result<ProvenEvent> prove_event(const EventCursor& at) const;
  /// That the block at `height` is below the head, whose header comes with it.
  struct ProvenBlock {
    Header header;
    Header head;
    MmrProof proof;
  };
  [[nodiscard]] Result<ProvenBlock> prove_block(Height height) const;
  /// Blocks, certificates, receipts, history, events, policy runs.
  [[nodiscard]] const BlockStore& blocks() const { return blocks_; }
  [[nodiscard]] const ChainId& chain() const { return chain_; }
  [[nodiscard]] NetworkKind kind() const { return kind_; }

  // --- being told. Set before the ledger is shared between threads; called in the thread that caused it. ---
  /// After a block is durable and readable, in height order.
  void on_finalized(std::function<void(const FinalizedBlock&)> listener) { on_finalized_ = std::move(listener); }
  /// A transaction began to wait.
  void on_waiting(std::function<void()> listener) { on_waiting_ = std::move(listener); }

 private:
  /// A block that was executed and is not final yet.
  struct Executed {
    FinalizedBlock block;  ///< the certificate comes last
    StateDiff diff;
    MmrPeaks ids_below;  ///< of this block
    MerkleTree::Update update;
    std::uint64_t order = 0;
  };
  /// What a new block builds on.
  struct Parent {
    Header header;
    BlockId id;
    MmrPeaks ids_below;
    std::vector<const Executed*> unfinalized;  ///< from the oldest to the parent itself
  };

  LedgerImpl(const Genesis& genesis, BlockStore blocks, StateStore states, PolicyPort& policy,
             const LedgerOptions& options);
  Status start_from(const Genesis& genesis);
  Status load_state(StateStore::Loaded loaded);
  Status replay();
  [[nodiscard]] Status check_tip() const;
  [[nodiscard]] Result<Parent> parent(const BlockId& id) const;
  using TxPtr = std::shared_ptr<const PreparedTx>;
  Result<std::unique_ptr<Executed>> run(const Parent& parent, TimeMs time, std::span<const TxPtr> txs,
                                        ExecutionMode mode, std::vector<bool>* kept);
  Result<std::vector<TxPtr>> verified(const Block& block);
  Executed& keep(std::unique_ptr<Executed> executed);
  void make_room_for(const Executed& executed);
  Status make_final(Executed& executed);
  void move_head(const Executed& executed);
  Status write_state(const Executed& executed);
  void forget_committed(const FinalizedBlock& block);
  void forget_other_branches();
  /// A transaction on its way into the pool.
  struct Arrival {
    PreparedTx tx;
    Nonce next;          ///< that the state expected of its sender…
    BlockId at;          ///< …after this block
    bool known = false;  ///< waits already, with the same bytes
  };
  std::vector<Submission> take(std::span<const SignedTx> txs, bool reserved);
  void check(std::span<Arrival> txs, std::span<Submission> out) const;
  void look_into_pool(std::span<Arrival> txs, std::span<Submission> out) const;
  void enqueue(std::span<Arrival> txs, std::span<Submission> out);
  [[nodiscard]] bool is_signed(const SignedTx& tx, const PreparedTx& prepared, const Hash& signed_hash);
  template <class T>
  Result<T> failing(Result<T> result);

  ChainId chain_;
  NetworkKind kind_;
  BlockStore blocks_;
  StateStore states_;
  PolicyPort& policy_;
  WorkPool workers_;
  KeyCache keys_;
  VerifiedCache verified_;
  std::atomic<std::uint64_t> verifications_ = 0;

  std::mutex writer_mutex_;  ///< one block at a time
  bool failed_ = false;      ///< the disk or an invariant failed
  std::map<BlockId, std::unique_ptr<Executed>> executed_;
  std::uint64_t executions_ = 0;

  mutable std::shared_mutex state_mutex_;  ///< tree and head: written by who holds writer_mutex_ as well
  MerkleTree tree_;
  Header head_header_;
  BlockId head_id_;

  mutable std::mutex pool_mutex_;  ///< taken before state_mutex_ where both are
  Mempool pool_;

  std::function<void(const FinalizedBlock&)> on_finalized_;
  std::function<void()> on_waiting_;
};

}  // namespace micro
