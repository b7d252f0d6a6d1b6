#include <algorithm>

#include "chain/execution/handlers.hpp"
#include "chain/registry/service_rules.hpp"

namespace micro {

Result<TxStatus> apply(TxScope& s, const PublishService& t) {
  if (!is_service_name(t.name)) return TxStatus::kBadName;
  if (!is_source_url(t.repo_url, s.params().allow_local_sources) || !is_source_subdir(t.subdir)) {
    return TxStatus::kBadSource;
  }
  if (!is_host_share(t.host_share_ppm)) return TxStatus::kBadShare;
  if (s.view().get(path::name(t.name))) return TxStatus::kNameTaken;
  if (!s.burn(s.payer().purse, s.params().name_fee)) return TxStatus::kInsufficientFunds;
  ServiceRecord service;
  service.service = service_id(s.sender(), s.tx().body.nonce);
  service.owner = s.sender();
  service.name = t.name;
  service.repo_url = t.repo_url;
  service.subdir = t.subdir;
  service.price = t.price;
  service.host_share_ppm = t.host_share_ppm;
  service.description = t.description;
  service.published = s.now();
  s.store(path::service(service.service), service);
  s.store(path::name(t.name), service.service);
  s.emit(event::ServicePublished{s.sender(), service.service, t.name});
  return TxStatus::kOk;
}

Result<TxStatus> apply(TxScope& s, const AnnounceVersion& t) {
  auto service = TRY(s.load<ServiceRecord>(path::service(t.service)));
  if (!service) return TxStatus::kNoSuchService;
  if (service->owner != s.sender()) return TxStatus::kNotOwner;
  if (!is_version_memory(t.memory_mib)) return TxStatus::kBadMemory;
  VersionRecord version;
  version.version = version_id(t.service, t.commit);
  if (s.view().get(path::version(version.version))) return TxStatus::kVersionExists;
  version.service = t.service;
  version.commit = t.commit;
  version.commit_time_s = t.commit_time_s;
  version.memory_mib = t.memory_mib;
  version.ordinal = ++service->versions;
  version.announced = s.now();
  version.previous = service->newest;
  service->newest = version.version;
  s.store(path::version(version.version), version);
  s.store(path::service(t.service), *service);
  s.emit(event::VersionAnnounced{t.service, version.version, t.commit});
  return TxStatus::kOk;
}

// Anyone may carry an attestation to the ledger; the node key signed it, and the account of the node's owner pays. It
// does so only when the attestation is accepted, and that happens once a node and version: nobody can drain an owner by
// sending it again.
Result<TxStatus> apply(TxScope& s, const AttestBuild& t) {
  if (!s.view().get(path::version(t.version))) return TxStatus::kNoSuchVersion;
  const auto node = TRY(s.load<NodeRecord>(path::node(t.node)));
  if (!node) return TxStatus::kNoSuchNode;
  if (!node->offer) return TxStatus::kNotABuilder;
  const auto offer = TRY(s.load<OfferRecord>(path::offer(*node->offer)));
  if (!offer || offer->state != OfferState::kActive) return TxStatus::kNotABuilder;
  BuildRecord build{t.version, {}};
  if (auto stored = TRY(s.load<BuildRecord>(path::build(t.version)))) build = std::move(*stored);
  if (std::ranges::any_of(build.attestations, [&](const Attestation& a) { return a.node == t.node; })) {
    return TxStatus::kAlreadyAttested;
  }
  if (build.attestations.size() >= s.params().build_quorum) return TxStatus::kTooManyAttestations;
  if (!verify_ed25519(node->node_key, build_attest_hash(s.ctx().block.chain, t), t.signature)) {
    return TxStatus::kBadAttestation;
  }
  Account* owner = TRY(s.account(node->owner));
  if (!s.pay_fee_from(owner->purse)) return TxStatus::kInsufficientFunds;
  build.attestations.push_back({t.node, t.plan_hash, t.toolchain_hash, t.wasm_hash, t.wasm_bytes});
  s.store(path::build(t.version), build);
  s.emit(event::BuildAttested{t.version, t.node, t.wasm_hash});
  return TxStatus::kOk;
}

Result<TxStatus> apply(TxScope& s, const FundService& t) {
  if (t.amount.is_zero()) return TxStatus::kZeroAmount;
  if (!s.view().get(path::service(t.service))) return TxStatus::kNoSuchService;
  FundRecord fund{t.service, {}};
  if (auto stored = TRY(s.load<FundRecord>(path::fund(t.service)))) fund = std::move(*stored);
  if (!s.move(s.payer().purse, fund.purse, t.amount, live_tokens(s.when()))) return TxStatus::kInsufficientFunds;
  drop_gone(fund.purse, s.when());
  s.store(path::fund(t.service), fund);
  s.emit(event::ServiceFunded{t.service, s.sender(), t.amount});
  return TxStatus::kOk;
}

// Only what is unspent, and only live lots: what expired in the fund stays there until it is gone.
Result<TxStatus> apply(TxScope& s, const UnfundService& t) {
  if (t.amount && t.amount->is_zero()) return TxStatus::kZeroAmount;
  const auto service = TRY(s.load<ServiceRecord>(path::service(t.service)));
  if (!service) return TxStatus::kNoSuchService;
  if (service->owner != s.sender()) return TxStatus::kNotOwner;
  FundRecord fund{t.service, {}};
  if (auto stored = TRY(s.load<FundRecord>(path::fund(t.service)))) fund = std::move(*stored);
  const Amount amount = t.amount.value_or(total(fund.purse, live_tokens(s.when())));
  if (amount.is_zero()) return TxStatus::kUnspentTooSmall;
  if (!s.move(fund.purse, s.payer().purse, amount, live_tokens(s.when()))) return TxStatus::kUnspentTooSmall;
  drop_gone(fund.purse, s.when());
  s.store(path::fund(t.service), fund);
  s.emit(event::ServiceUnfunded{t.service, s.sender(), amount});
  return TxStatus::kOk;
}

Result<TxStatus> apply(TxScope& s, const SetPrice& t) {
  auto service = TRY(s.load<ServiceRecord>(path::service(t.service)));
  if (!service) return TxStatus::kNoSuchService;
  if (service->owner != s.sender()) return TxStatus::kNotOwner;
  if (!is_host_share(t.host_share_ppm)) return TxStatus::kBadShare;
  service->price = t.price;
  service->host_share_ppm = t.host_share_ppm;
  s.store(path::service(t.service), *service);
  s.emit(event::PriceSet{t.service, t.price, t.host_share_ppm});
  return TxStatus::kOk;
}

}  // namespace micro
