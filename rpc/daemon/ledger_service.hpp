// The ledger of a running node: databases and rules, and the consensus that decides its blocks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <thread>

#include "chain/base/clock.hpp"
#include "chain/ledger/ledger_impl.hpp"
#include "consensus/replica/replica.hpp"
#include "rpc/daemon/evidence_desk.hpp"
#include "rpc/views/views.hpp"

namespace micro {

inline constexpr std::size_t kMaxTxWaiters = 4'096;
/// In the ledger's folder: the certificates (simplex::Certificates) that a node stopped at.
inline constexpr const char* kHaltProofFile = "halt.proof";

/// What the ledger's part of a node signs with.
struct LedgerKeys {
  Ed25519Secret consensus;
  Ed25519Key node;
  SecretKey operating;  ///< reports others' faults
};

struct LedgerConfig {
  std::filesystem::path folder;  ///< databases, the journal of votes, the proofs
  std::uint64_t journal_bytes = 64u << 20;
  std::uint64_t proof_bytes = kDefaultJustificationBytes;
  std::uint64_t vote_bytes = kDefaultVoteLogBytes;
};

class LedgerService {
 public:
  /// Opens the databases below the folder and brings them to their tip. kDenied when the consensus key is not the whole
  /// committee: this node talks to no others.
  static Result<std::unique_ptr<LedgerService>> open(const LedgerConfig& config, const Genesis& genesis,
                                                     const LedgerKeys& keys, PolicyPort& policy);
  ~LedgerService();

  /// Both are called on threads of the consensus. A failure means that the node must stop.
  void start(std::function<void(const FinalizedBlock&)> finalized, std::function<void(const Error&)> failed);
  void stop();

  /// The transaction's id once it waits for a block. kRejected, kFunds or kInvalid say why it does not.
  Result<TxId> submit(const SignedTx& tx);
  /// Calls `done` with the receipt when it is final (at once if it is), or with kUnknownOutcome after the timeout.
  void wait_final(const TxId& id, std::uint64_t timeout_ms, std::function<void(Result<StoredTx>)> done);

  [[nodiscard]] LedgerImpl& ledger() { return *ledger_; }
  [[nodiscard]] const LedgerImpl& ledger() const { return *ledger_; }
  [[nodiscard]] Height height() const;
  /// `read(const views::Moment&)` at the finalized head, which stands still meanwhile.
  template <class Read>
  Result<Json> view(Read read) const {
    return ledger_->read([&](const StateView& state, const Header&) -> Result<Json> {
      const auto moment = views::moment(state, ledger_->blocks(), ledger_->kind());
      if (!moment) return std::unexpected(moment.error());
      return read(*moment);
    });
  }

 private:
  struct Waiter {
    Instant deadline;
    std::function<void(Result<StoredTx>)> done;
  };
  LedgerService() = default;
  Status open_proofs(const LedgerConfig& config, const LedgerKeys& keys);
  void expire_now_and_then();
  void halted(const Error& error, const std::vector<Certificate>& proof);
  void answer_waiters(const FinalizedBlock& block);
  void expire_waiters();

  std::unique_ptr<LedgerImpl> ledger_;
  std::filesystem::path folder_;
  std::unique_ptr<JustificationLog> justifications_;
  std::unique_ptr<VoteLog> votes_;
  std::unique_ptr<EvidenceDesk> evidence_;
  std::unique_ptr<simplex::Replica> replica_;
  std::function<void(const FinalizedBlock&)> finalized_;
  std::function<void(const Error&)> failed_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::multimap<TxId, Waiter> waiters_;
  std::thread expiring_;
};

/// The error of a submission that does not wait for a block.
Error refusal_of(const Submission& submission);

}  // namespace micro
