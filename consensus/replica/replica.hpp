// The engine in a running process: its journal on the disk, both clocks, and the ledger and the verification on threads
// of their own. What the engine decides is done in the order in which it says so; nothing that rests on a vote of this
// node leaves before that vote is on the disk.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "consensus/core/engine.hpp"
#include "consensus/journal/justification_log.hpp"
#include "consensus/journal/vote_log.hpp"
#include "consensus/replica/job_thread.hpp"

namespace micro::simplex {

inline constexpr std::size_t kMaxInboxMessages = 2'048;  ///< of peers, not looked at yet; newer are dropped
inline constexpr std::size_t kMaxEventsPerSync = 256;    ///< that share one sync of the journal
inline constexpr std::size_t kMaxAnswersWaiting = 64;    ///< for the store; further requests are dropped
inline constexpr std::size_t kMaxChecksAtOnce = 8;       ///< signatures that are verified without another thread
inline constexpr std::size_t kMaxTxsAtOnce = 16;         ///< of a block that is executed without another thread

/// The other members and whoever follows. Called in the replica's threads; must not block.
class Peers {
 public:
  virtual ~Peers() = default;
  virtual void send(const Ed25519Key& to, const MessagePtr& message) = 0;
  virtual void broadcast(const MessagePtr& message) = 0;
};

/// What a replica works on; all of it outlives the replica. Callbacks come in its threads.
struct ReplicaPorts {
  Ledger* ledger = nullptr;
  const FinalChain* chain = nullptr;
  Peers* peers = nullptr;                      ///< none in a network of one
  JustificationLog* justifications = nullptr;  ///< what a fork would be judged by; may be none
  std::uint32_t answerable_epochs = 0;         ///< for which bonds answer: so long justifications are kept
  VoteLog* votes = nullptr;        ///< in which contradictions show, also with what was said before; may be none
  std::function<bool()> txs_wait;  ///< whether a block could hold anything
  /// While opening, from the lowest: a block above the head that was worked on before the restart. It may still become
  /// final, or its transactions may have to wait for another. May be empty.
  std::function<void(const Block&)> remembered;
  /// Once, at most: the replica does nothing more, and the node has to stop. `proof`: the certificates behind it.
  std::function<void(const Error&, const std::vector<Certificate>& proof)> halted;
  /// May be empty. The same fault may be told several times, also again after a restart.
  std::function<void(const Evidence&)> evidence;
  std::function<void(const Ed25519Key& peer, const std::string& why)> blame;  ///< may be empty
  /// Executing this block failed, so its view is nullified. Once, and once more if it becomes final. May be empty.
  std::function<void(const BlockId&, const std::string& why)> refused;
};

class Replica {
 public:
  /// Opens the journal in `journal_folder`, which exists, and recovers. kBusy when another process signs with it;
  /// kCorrupt when a synced record is damaged, or when final blocks are missing that nobody else has.
  static Result<std::unique_ptr<Replica>> open(ReplicaPorts ports, const std::string& journal_folder,
                                               const Ed25519Secret& key, EngineConfig config);
  ~Replica();

  void start();
  void stop();

  /// Whether it votes in the epoch that it was opened in. Before `start` only.
  [[nodiscard]] bool votes() const { return engine_.votes(); }

  /// From a peer, decoded. Dropped when too much waits.
  void deliver(const Ed25519Key& from, Message message);
  /// Transactions began to wait.
  void txs_wait();

 private:
  class KeySigner final : public VoteSigner {
   public:
    explicit KeySigner(const Ed25519Secret& key) : key_(key) {}
    Ed25519Signature sign(const Hash& message) override { return key_.sign(message); }

   private:
    Ed25519Secret key_;
  };

  Replica(ReplicaPorts ports, std::unique_ptr<Journal> journal, const Ed25519Secret& key, const EngineConfig& config)
      : ports_(std::move(ports)),
        journal_(std::move(journal)),
        key_(key.public_key()),
        signer_(key),
        engine_(config, signer_) {}
  Status recover(const ChainHead& head);
  void remember(const std::vector<Record>& records, Height above) const;

  void run();
  bool wait_for_work();
  bool is_stopping();
  void take_events();
  void turn(Event event);
  void take_in(Effects effects);
  Status write(const Effect& effect);
  Status enter_epoch(Epoch epoch);
  Status keep(const Certificate& certificate);
  Status keep_signers(const Certificate& certificate);
  Result<std::optional<Evidence>> keep_vote(Epoch epoch, const Ed25519Key& key, const Vote& vote);
  Status witness(const Witnessed& seen);
  void accuse_again(const VotesInConflict& pair);
  [[nodiscard]] std::pair<Epoch, const ValidatorSet*> epoch_of(const Statement& statement) const;
  void tell(const Evidence& evidence);
  void settle();
  void release(bool builds);
  void act(Effect& effect);
  void give_ledger(std::size_t level, std::function<Event()> work);
  void give_execution(const Execute& execute);
  void give_answer(const Ed25519Key& to, std::function<MessagePtr()> make);
  void push(Event event);
  void halt(const Error& error, const std::vector<Certificate>& proof);
  [[nodiscard]] Now now() const { return {clock_.now(), clock_.wall()}; }

  ReplicaPorts ports_;
  SystemClock clock_;
  std::unique_ptr<Journal> journal_;
  Ed25519Key key_;
  KeySigner signer_;
  Engine engine_;
  Effects at_start_;

  // Of the replica's thread.
  Epoch journal_epoch_;
  std::vector<Effect> held_;  ///< wait for the sync, in order
  std::uint64_t sequence_ = 0;
  bool dirty_ = false;
  bool halted_ = false;
  std::optional<Instant> timer_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Event> events_;
  std::size_t messages_ = 0;  ///< among them
  bool look_for_txs_ = true;
  bool stopping_ = false;

  std::unique_ptr<JobThread> ledger_jobs_;
  std::unique_ptr<JobThread> check_jobs_;
  std::thread thread_;
};

}  // namespace micro::simplex
