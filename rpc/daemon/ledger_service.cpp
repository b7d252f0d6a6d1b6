#include "rpc/daemon/ledger_service.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>

#include "chain/store/rocks/rocks_kv.hpp"
#include "consensus/core/certificate.hpp"

namespace micro {
namespace {

constexpr const char* kProofsFolder = "proofs";
constexpr const char* kVotesFolder = "votes";
constexpr std::uint64_t kWaiterSweepMs = 200;
/// Nobody times a lone leader out: it proposes nothing until transactions come or the epoch ends.
constexpr std::uint32_t kIdleAloneMs = 3'600'000;

Status make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(Fault::kIo, "cannot create " + folder.string() + ": " + error.message());
  return {};
}

Status check_decides_alone(const ValidatorSet& set, const Ed25519Key& key, Epoch epoch) {
  const auto me = std::ranges::find(set.members, key, &Validator::key);
  if (me != set.members.end() && me->weight >= quorum_weight(set)) return {};
  return fail(Fault::kDenied, "this node's consensus key does not decide alone in epoch " + epoch.text(),
              "start it with the key that the genesis names as the only validator");
}

}  // namespace

Error refusal_of(const Submission& submission) {
  if (submission.status == TxStatus::kOk) {
    return {Fault::kBusy, "the node's queue of transactions has no place for it", "try again in a moment"};
  }
  const std::string why(tx_status_text(submission.status));
  switch (submission.status) {
    case TxStatus::kCannotPayFee:
    case TxStatus::kInsufficientFunds:
      return {Fault::kFunds, why, "no fee was taken; see what is live with: micro wallet lots"};
    case TxStatus::kNonceUsed:
    case TxStatus::kNonceGap:
      return {Fault::kRejected, why, "another transaction of this account was sent meanwhile: try again"};
    default:
      return {Fault::kRejected, why, "it was put in no block, and no fee was taken"};
  }
}

Result<std::unique_ptr<LedgerService>> LedgerService::open(const LedgerConfig& config, const Genesis& genesis,
                                                           const LedgerKeys& keys, PolicyPort& policy) {
  const std::filesystem::path& folder = config.folder;
  TRY(make_folder(folder / "journal"));
  auto ledger_db = TRY(open_rocks_kv((folder / "ledger").string(), RocksUse::kLedger));
  auto state_db = TRY(open_rocks_kv((folder / "state").string(), RocksUse::kState));
  std::unique_ptr<LedgerService> out(new LedgerService());
  out->folder_ = folder;
  out->ledger_ = TRY(LedgerImpl::open(genesis, std::move(ledger_db), std::move(state_db), policy, {}));
  const Epoch epoch = TRY(out->ledger_->head()).epoch;
  TRY(check_decides_alone(TRY(out->ledger_->validators(epoch)), keys.consensus.public_key(), epoch));
  TRY(out->open_proofs(config, keys));
  simplex::ReplicaPorts ports;
  ports.ledger = out->ledger_.get();
  ports.chain = out->ledger_.get();
  ports.txs_wait = [ledger = out->ledger_.get()] { return ledger->txs_wait(); };
  // Who asks for them after a restart is told that they wait, not that they never happened.
  ports.remembered = [ledger = out->ledger_.get()](const Block& block) {
    for (const SignedTx& tx : block.txs) static_cast<void>(ledger->submit(tx));
  };
  ports.halted = [service = out.get()](const Error& error, const auto& proof) { service->halted(error, proof); };
  ports.evidence = [service = out.get()](const simplex::Evidence& e) { service->evidence_->accuse(e); };
  ports.refused = [](const BlockId& block, const std::string& why) {
    spdlog::warn("block {} is refused: {}", block.brief(), why);
  };
  ports.justifications = out->justifications_.get();
  ports.votes = out->votes_.get();
  ports.answerable_epochs = genesis.params.unbonding_epochs;
  simplex::EngineConfig engine;
  engine.idle_ms = kIdleAloneMs;
  engine.limits.max_bytes = genesis.params.max_block_bytes;
  engine.journal_rewrite_bytes = config.journal_bytes;
  out->replica_ = TRY(simplex::Replica::open(std::move(ports), (folder / "journal").string(), keys.consensus, engine));
  return out;
}

/// What convicts others, and who says so.
Status LedgerService::open_proofs(const LedgerConfig& config, const LedgerKeys& keys) {
  const ChainId& chain = ledger_->chain();
  TRY(make_folder(config.folder / kProofsFolder));
  TRY(make_folder(config.folder / kVotesFolder));
  justifications_ = TRY(JustificationLog::open((config.folder / kProofsFolder).string(), chain, config.proof_bytes));
  votes_ = TRY(VoteLog::open((config.folder / kVotesFolder).string(), chain, config.vote_bytes));
  evidence_ = std::make_unique<EvidenceDesk>(*ledger_, keys.operating, keys.node,
                                             [](const std::string& text) { spdlog::warn("{}", text); });
  return {};
}

LedgerService::~LedgerService() {
  stop();
}

void LedgerService::start(std::function<void(const FinalizedBlock&)> finalized,
                          std::function<void(const Error&)> failed) {
  finalized_ = std::move(finalized);
  failed_ = std::move(failed);
  ledger_->on_finalized([this](const FinalizedBlock& block) {
    // In this order: whoever is told that a block is final meets a node that knows it.
    finalized_(block);
    answer_waiters(block);
  });
  ledger_->on_waiting([this] { replica_->txs_wait(); });
  expiring_ = std::thread([this] { expire_now_and_then(); });
  replica_->start();
}

void LedgerService::stop() {
  if (replica_) replica_->stop();
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (expiring_.joinable()) expiring_.join();
}

/// What proves that this program and the committee do not agree outlives the process.
void LedgerService::halted(const Error& error, const std::vector<Certificate>& proof) {
  if (!proof.empty()) {
    std::ofstream file(folder_ / "halt.proof", std::ios::binary | std::ios::trunc);
    for (const Certificate& certificate : proof) {
      const Bytes bytes = encode(certificate);
      file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
  }
  failed_(error);
}

void LedgerService::expire_now_and_then() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::chrono::milliseconds(kWaiterSweepMs), [this] { return stopping_; })) {
    lock.unlock();
    expire_waiters();
    evidence_->look_again();
    lock.lock();
  }
}

Result<TxId> LedgerService::submit(const SignedTx& tx) {
  const Submission submission = ledger_->submit(tx);
  if (submission.waits()) return submission.id;
  // The same transaction again is answered like the first time, also when it is final by now.
  if (ledger_->blocks().tx(submission.id)) return submission.id;
  return std::unexpected(refusal_of(submission));
}

void LedgerService::wait_final(const TxId& id, std::uint64_t timeout_ms, std::function<void(Result<StoredTx>)> done) {
  {
    const std::lock_guard guard(mutex_);
    // Looked up under the lock: a block that comes now answers the waiter, one that came before is found.
    if (auto stored = ledger_->blocks().tx(id); !stored && waiters_.size() < kMaxTxWaiters && !stopping_) {
      waiters_.emplace(id, Waiter{SystemClock().now().plus_ms(timeout_ms), std::move(done)});
      return;
    }
  }
  done(ledger_->blocks().tx(id));
}

void LedgerService::answer_waiters(const FinalizedBlock& block) {
  std::vector<std::pair<TxId, std::function<void(Result<StoredTx>)>>> ready;
  {
    const std::lock_guard guard(mutex_);
    for (const TxId& id : block.tx_ids) {
      const auto [first, last] = waiters_.equal_range(id);
      for (auto it = first; it != last; ++it) ready.emplace_back(id, std::move(it->second.done));
      waiters_.erase(first, last);
    }
  }
  for (auto& [id, done] : ready) done(ledger_->blocks().tx(id));
}

void LedgerService::expire_waiters() {
  std::vector<std::pair<TxId, std::function<void(Result<StoredTx>)>>> late;
  {
    const std::lock_guard guard(mutex_);
    const Instant now = SystemClock().now();
    for (auto it = waiters_.begin(); it != waiters_.end();) {
      if (it->second.deadline > now) {
        ++it;
        continue;
      }
      late.emplace_back(it->first, std::move(it->second.done));
      it = waiters_.erase(it);
    }
  }
  for (auto& [id, done] : late) {
    done(fail(Fault::kUnknownOutcome, "the transaction is not final yet", "look with: micro audit tx " + id.hex()));
  }
}

Height LedgerService::height() const {
  return ledger_->read([](const StateView&, const Header& head) { return head.height; });
}

}  // namespace micro
