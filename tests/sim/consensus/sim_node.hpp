// The shell of a simulated node: the real engine and the real journal format over a model disk, with the latency of
// each step drawn from the dice. What a liar does differently is in byzantine.hpp.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "consensus/core/engine.hpp"
#include "consensus/journal/format.hpp"
#include "tests/gen/disk/lossy_disk.hpp"
#include "tests/sim/consensus/sim_ledger.hpp"
#include "tests/sim/consensus/sim_signer.hpp"

namespace micro::test {

class Cluster;

/// A file: what is surely on the disk, and what only the kernel has.
struct ModelFile {
  Bytes durable;
  Bytes pending;
};

/// What the journal of the current epoch surely holds, read as records.
struct Durable {
  std::set<Bytes> votes;  ///< encoded
  std::set<BlockId> bodies;
  std::set<std::pair<View, BlockId>> certified;
  View entered;
  void note(const simplex::Record& record);
};

class SimNode {
 public:
  SimNode(Cluster& cluster, std::size_t index, std::size_t member, Behaviour behaviour);
  ~SimNode();

  void boot();
  /// Loses memory and, of what was not synced, all but a piece.
  void crash();
  void deliver(const Ed25519Key& from, simplex::MessagePtr message);
  void submit(std::uint64_t tx);
  void submit(const SignedTx& tx);
  [[nodiscard]] const std::optional<Ed25519Secret>& secret() const { return signer_.secret(); }
  /// Only the disk of the journal: the ledger stays.
  void forget_journal();
  /// Only the ledger, as an older copy of its disk has it: not behind the epoch's beginning, for a ledger that is
  /// behind the newest journal's epoch is not started with.
  void restore_ledger();

  [[nodiscard]] bool is_up() const { return engine_ != nullptr; }
  [[nodiscard]] bool is_honest() const { return behaviour_ == Behaviour::kHonest; }
  [[nodiscard]] Behaviour behaviour() const { return behaviour_; }
  [[nodiscard]] std::size_t member() const { return member_; }
  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] const simplex::Engine& engine() const { return *engine_; }
  [[nodiscard]] SimLedger& ledger() { return *ledger_; }
  [[nodiscard]] std::uint64_t height() const;
  [[nodiscard]] const Ed25519Key& key() const { return signer_.key(); }
  SimSigner& signer() { return signer_; }
  [[nodiscard]] std::uint64_t journal_bytes() const;
  [[nodiscard]] const Durable& durable() const { return durable_; }
  /// …and held when this process started; nothing where it began without a journal.
  [[nodiscard]] const Durable& durable_at_boot() const { return durable_at_boot_; }
  [[nodiscard]] simplex::Now now() const;

 private:
  friend class Liar;
  using Work = std::function<void()>;
  void feed(simplex::Event event);
  void after(std::uint64_t us, Work work);
  void perform(simplex::Effects effects);
  void release();
  void crash_soon();
  void sync_done();
  void act(simplex::Effect& effect);
  void act_check(const simplex::Check& check);
  void act_commit(const simplex::Commit& commit);
  void act_build(const simplex::Build& build);
  void count_epoch(const ValidatorSet& before, const ValidatorSet& now);
  void act_serve(const simplex::ServeBlocks& serve);
  void act_witnessed(const simplex::Witnessed& seen);
  void open_journal(Epoch epoch, Epoch keep_from);
  std::vector<simplex::Record> recover(Epoch epoch);
  void announce_waiting();
  bool open_ledger();
  void break_disk_soon();
  bool disk_died();
  void lose_power();
  void copy_ledger();
  [[nodiscard]] LossyDisk* disk();

  Cluster& cluster_;
  std::size_t index_;
  std::size_t member_;
  Behaviour behaviour_;
  SimSigner signer_;
  std::int64_t clock_skew_ms_ = 0;

  // Survives a crash.
  std::map<Epoch, ModelFile> files_;
  std::shared_ptr<ModelChain> chain_ = std::make_shared<ModelChain>();
  std::optional<TimeMs> vote_after_;
  bool ever_booted_ = false;
  /// By the epoch, the signer and the view.
  std::map<std::tuple<Epoch, Ed25519Key, View>, std::vector<simplex::Vote>> kept_votes_;
  Height told_;  ///< the highest block that anyone here was told is final
  struct Copy {
    Epoch epoch;
    Height height;
    LossyDisk::Image image;
  };
  std::optional<Copy> copy_;  ///< of the databases

  // Does not.
  std::uint64_t life_ = 0;
  std::unique_ptr<SimLedger> ledger_;
  std::unique_ptr<simplex::Engine> engine_;
  Epoch journal_epoch_;
  Durable durable_;
  Durable durable_at_boot_;
  std::deque<std::pair<std::uint64_t, simplex::Record>> unsynced_;
  JournalWriter writer_;
  std::deque<simplex::Effect> held_;  ///< wait for a sync, in order
  std::size_t held_synced_ = 0;       ///< of them, how many the sync under way releases
  std::uint64_t sequence_ = 0;
  std::uint64_t sync_sequence_ = 0;
  std::size_t sync_bytes_ = 0;
  bool syncing_ = false;
  bool dirty_ = false;
  std::uint64_t timer_ = 0;
  bool waiting_announced_ = false;
  bool disk_hurt_ = false;  ///< a sync failed since the process began
};

}  // namespace micro::test
