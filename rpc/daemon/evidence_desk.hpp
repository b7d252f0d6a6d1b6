// What this node saw others do wrong, brought to the ledger: a transaction of the node's own account for each key that
// signed two statements which exclude each other, through the lane of the mempool that no flood fills, until the
// ledger has judged.
#pragma once

#include <map>
#include <mutex>

#include "chain/ledger/ledger_impl.hpp"
#include "consensus/core/events.hpp"

namespace micro {

/// Keys that are accused at a time; more wait until they are told of again.
inline constexpr std::size_t kMaxOpenCases = kMaxReservedEntries;

class EvidenceDesk {
 public:
  /// `account` signs, and gets the reward unless `node` is registered: then its owner does. `say` tells the operator.
  EvidenceDesk(LedgerImpl& ledger, SecretKey account, const Ed25519Key& node,
               std::function<void(const std::string&)> say)
      : ledger_(ledger), account_(std::move(account)), node_(node), say_(std::move(say)) {}

  /// From any thread. The same again changes nothing.
  void accuse(const simplex::Evidence& evidence);
  /// Now and then: sends again what the mempool lost, closes what the ledger judged.
  void look_again();

  [[nodiscard]] std::size_t open() const;

 private:
  struct Case {
    SubmitEvidence evidence;
    std::optional<TxId> sent;
    TxStatus last = TxStatus::kOk;  ///< why it was not taken the last time
  };
  bool send(Case& open);
  bool is_judged(Case& open);
  void close(const Case& judged, TxStatus status);
  [[nodiscard]] Address reporter() const;
  [[nodiscard]] bool is_convicted(const Ed25519Key& key) const;

  LedgerImpl& ledger_;
  SecretKey account_;
  Ed25519Key node_;
  std::function<void(const std::string&)> say_;
  mutable std::mutex mutex_;
  std::map<Ed25519Key, Case> cases_;
};

}  // namespace micro
