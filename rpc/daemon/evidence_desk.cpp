#include "rpc/daemon/evidence_desk.hpp"

#include "chain/records/records.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kEvidenceValidBlocks = 1'000;

/// Whether asking again could change the answer.
bool is_last_word(TxStatus status) {
  switch (status) {
    case TxStatus::kOk:
    case TxStatus::kConvicted:
    case TxStatus::kTooLate:
    case TxStatus::kWrongEpoch:
    case TxStatus::kNoSuchSeat:
    case TxStatus::kNotSeated:
    case TxStatus::kNotContradictory:
    case TxStatus::kBadEvidence:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::size_t EvidenceDesk::open() const {
  const std::lock_guard lock(mutex_);
  return cases_.size();
}

Address EvidenceDesk::reporter() const {
  return ledger_.read([&](const StateView& state, const Header&) {
    const auto id = read_record<NodeId>(state, path::node_key(node_));
    if (id && *id) {
      const auto node = read_record<NodeRecord>(state, path::node(**id));
      if (node && *node) return (*node)->owner;
    }
    return address_of(account_.public_key());
  });
}

bool EvidenceDesk::is_convicted(const Ed25519Key& key) const {
  return ledger_.read([&](const StateView& state, const Header&) {
    const auto seat = read_record<SeatRecord>(state, path::seat(key));
    return seat && *seat && (*seat)->convicted.has_value();
  });
}

void EvidenceDesk::accuse(const simplex::Evidence& e) {
  if (is_convicted(e.key)) return;
  const std::lock_guard lock(mutex_);
  if (cases_.contains(e.key)) return;
  say_("validator " + e.key.hex() + " signed two statements of view " + e.first.statement.view.text() + " in epoch " +
       e.epoch.text() + " that exclude each other");
  if (cases_.size() >= kMaxOpenCases) return;
  Case open;
  open.evidence = {e.key,     e.epoch, e.first.statement, e.first.signature, e.second.statement, e.second.signature,
                   reporter()};
  if (!send(open)) cases_.emplace(e.key, std::move(open));
}

/// True when the ledger's word is final and there is nothing to wait for.
bool EvidenceDesk::send(Case& open) {
  TxBody body;
  body.chain = ledger_.chain();
  body.sender = address_of(account_.public_key());
  body.nonce = ledger_.pending_nonce(body.sender);
  const Height tip = ledger_.read([](const StateView&, const Header& head) { return head.height; });
  body.valid_until = Height(tip.value + kEvidenceValidBlocks);
  body.max_fee = Amount(kMicroPerToken);
  body.payload = open.evidence;
  const Submission submission = ledger_.submit_reserved(sign_tx(std::move(body), account_));
  open.sent = submission.waits() ? std::optional(submission.id) : std::nullopt;
  if (submission.waits()) return false;
  if (is_last_word(submission.status) && submission.status != TxStatus::kOk) {
    close(open, submission.status);
    return true;
  }
  if (submission.status != open.last) say_("evidence waits: " + std::string(tx_status_text(submission.status)));
  open.last = submission.status;
  return false;
}

bool EvidenceDesk::is_judged(Case& open) {
  if (open.sent) {
    if (const auto stored = ledger_.blocks().tx(*open.sent)) {
      close(open, stored->receipt.status);
      return true;
    }
  }
  if (is_convicted(open.evidence.key)) {  // somebody else was quicker
    close(open, TxStatus::kConvicted);
    return true;
  }
  return open.sent && ledger_.waiting_tx(*open.sent) ? false : send(open);
}

void EvidenceDesk::close(const Case& judged, TxStatus status) {
  const std::string who = "validator " + judged.evidence.key.hex();
  say_(status == TxStatus::kOk ? who + " is convicted" : who + ": " + std::string(tx_status_text(status)));
}

void EvidenceDesk::look_again() {
  const std::lock_guard lock(mutex_);
  for (auto at = cases_.begin(); at != cases_.end();) at = is_judged(at->second) ? cases_.erase(at) : std::next(at);
}

}  // namespace micro
