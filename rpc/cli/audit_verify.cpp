#include "rpc/cli/audit_verify.hpp"

#include <bit>

#include "chain/governance/policy_abi.hpp"
#include "consensus/light/light_client.hpp"
#include "genesis/json/genesis_json.hpp"
#include "wallet/disk/files.hpp"

namespace micro {

namespace {

constexpr std::size_t kMaxGenesisFileBytes = 512u << 20;

std::unexpected<Error> mismatch(std::string message) {
  return fail(Fault::kMismatch, std::move(message),
              "what the node says does not agree with the chain: do not trust it");
}

template <class T>
Result<T> decoded(const Json& json, std::string_view key) {
  auto value = decode<T>(TRY(from_hex(TRY(text_of(json, key)))));
  if (!value) return mismatch(std::string(key) + " cannot be read: " + value.error().message);
  return std::move(*value);
}

Result<Bytes> bytes_of(const Json& json, std::string_view key) {
  return from_hex(TRY(text_of(json, key)));
}

Result<Genesis> trusted_genesis(const std::string& file, const Json& bundle) {
  if (file.empty()) return decoded<Genesis>(bundle, "genesis");
  const Bytes text = TRY(read_file(file, kMaxGenesisFileBytes));
  return parse_genesis(as_text(text));
}

/// A light client that is fed by the node.
class Follower {
 public:
  static Result<Follower> start(Context& context, const std::string& genesis_file) {
    const Json bundle = TRY(context.call("ledger.light"));
    const Genesis genesis = TRY(trusted_genesis(genesis_file, bundle));
    Follower out(context, TRY(LightClient::from_genesis(genesis, TRY(decoded<Header>(bundle, "genesis_header")))));
    out.audit_.chain = chain_id(genesis);
    out.audit_.params = genesis.params;
    out.set_ = genesis.validators;
    out.bundle_ = bundle;
    return out;
  }

  /// Follows the epochs before `wanted`, then checks it under its own certificate. Goes forward only.
  Result<ChainAudit> reach(const Header& wanted) {
    const BlockId id = block_id(wanted);
    if (id == light_.tip_id()) return audit_;
    TRY(pass_epochs_before(wanted.epoch));
    while (light_.epoch() < wanted.epoch) {  // the node answers a page at a time
      const Epoch before = light_.epoch();
      bundle_ = TRY(context_->call("ledger.light", {{"from_epoch", before.value}}));
      TRY(pass_epochs_before(wanted.epoch));
      if (light_.epoch() == before) break;
    }
    if (light_.epoch() != wanted.epoch) {
      return mismatch("the node does not show the certificates of the epochs before " + wanted.epoch.text());
    }
    if (wanted.boundary) {
      bundle_ = TRY(context_->call("ledger.light", {{"from_epoch", wanted.epoch.value}}));
      const Json& entries = list_of(bundle_, "epochs");
      if (entries.empty()) return mismatch("the node does not show the certificate of epoch " + wanted.epoch.text());
      if (block_id(TRY(decoded<Header>(entries[0], "header"))) != id) return mismatch("another block ended that epoch");
      return count_signers(TRY(end_epoch(entries[0])));
    }
    const Json block = TRY(context_->call("ledger.block", {{"height", wanted.height.text()}}));
    const auto certificate = TRY(decoded<Certificate>(block, "certificate_raw"));
    audit_.committee = set_.members.size();
    TRY(light_.advance(wanted, certificate));
    return count_signers(certificate);
  }

 private:
  Follower(Context& context, LightClient light) : context_(&context), light_(std::move(light)) {}

  Status pass_epochs_before(Epoch last) {
    for (const Json& entry : list_of(bundle_, "epochs")) {
      const auto header = TRY(decoded<Header>(entry, "header"));
      if (header.epoch < light_.epoch()) continue;
      if (header.epoch >= last) return {};
      TRY(end_epoch(entry));
    }
    return {};
  }

  Result<Certificate> end_epoch(const Json& entry) {
    auto certificate = TRY(decoded<Certificate>(entry, "certificate"));
    auto next = TRY(decoded<ValidatorSet>(entry, "next_validators"));
    audit_.committee = set_.members.size();
    TRY(light_.end_epoch(TRY(decoded<Header>(entry, "header")), certificate, next));
    set_ = std::move(next);
    ++audit_.epochs;
    return certificate;
  }

  ChainAudit count_signers(const Certificate& certificate) {
    audit_.signers = 0;
    for (const std::uint8_t byte : certificate.signers) audit_.signers += static_cast<std::size_t>(std::popcount(byte));
    return audit_;
  }

  Context* context_;
  LightClient light_;
  ValidatorSet set_;
  ChainAudit audit_;
  Json bundle_;
};

}  // namespace

Result<ChainAudit> follow_chain(Context& context, const std::string& genesis_file, const Header& header) {
  Follower follower = TRY(Follower::start(context, genesis_file));
  return follower.reach(header);
}

Result<DecisionAudit> check_decision(const Json& answer, std::string_view number) {
  DecisionAudit out;
  out.header = TRY(decoded<Header>(answer, "header"));
  std::vector<Event> events;
  for (const Json& entry : list_of(answer, "events")) {
    if (!entry.is_string()) return mismatch("an event is not text");
    auto one = decode<Event>(TRY(from_hex(entry.get<std::string>())));
    if (!one) return mismatch("an event cannot be read: " + one.error().message);
    events.push_back(std::move(*one));
  }
  if (events_root(events) != out.header.events_root) return mismatch("the events are not those of the block");
  const event::PolicyRan* ran = nullptr;
  const Event* decision = nullptr;
  for (const Event& one : events) {
    if (const auto* p = std::get_if<event::PolicyRan>(&one)) ran = p;
    const auto* placed = std::get_if<event::Placed>(&one);
    const auto* drained = std::get_if<event::Drained>(&one);
    if (placed != nullptr && std::to_string(placed->decision) == number) decision = &one;
    if (drained != nullptr && std::to_string(drained->decision) == number) decision = &one;
  }
  if (ran == nullptr) return mismatch("the block holds no run of the rules");
  if (decision == nullptr) return mismatch("the block holds no decision " + std::string(number));
  out.ran = *ran;
  out.decision = *decision;
  out.wasm = TRY(bytes_of(answer, "policy_wasm"));
  out.input = TRY(bytes_of(answer, "input"));
  out.output = TRY(bytes_of(answer, "output"));
  if (policy_hash(out.wasm) != ran->policy) return mismatch("the rules' code has another hash than the block names");
  if (policy_input_hash(out.input) != ran->input) return mismatch("the input has another hash than the block names");
  if (policy_output_hash(out.output) != ran->output)
    return mismatch("the output has another hash than the block names");
  return out;
}

Status check_replay(const DecisionAudit& audit, const PolicyRunner& run) {
  const Bytes output = TRY(run(audit.wasm, audit.input, audit.ran.engine));
  if (policy_output_hash(output) != audit.ran.output) {
    return fail(Fault::kMismatch, "replay: the rules say something else on the same input (" +
                                      policy_output_hash(output).brief() + "… instead of " + audit.ran.output.brief() +
                                      "…)");
  }
  return {};
}

Result<BlockAudit> check_block(const Json& answer) {
  BlockAudit out{TRY(decoded<Block>(answer, "raw")), TRY(decoded<BlockReceipts>(answer, "receipts_raw"))};
  const Header& header = out.block.header;
  if (txs_root(out.block.txs) != header.txs_root) return mismatch("the transactions are not those of the header");
  if (out.receipts.receipts.size() != out.block.txs.size() ||
      receipts_root(out.receipts.receipts) != header.receipts_root) {
    return mismatch("the receipts are not those of the header");
  }
  if (events_root(out.receipts.boundary_events) != header.events_root) {
    return mismatch("the events are not those of the header");
  }
  return out;
}

Result<std::size_t> check_tx_in(const BlockAudit& audit, const TxId& id) {
  for (std::size_t i = 0; i < audit.block.txs.size(); ++i) {
    if (tx_id(audit.block.txs[i].body) == id && audit.receipts.receipts[i].tx == id) return i;
  }
  return mismatch("the block that the node names does not hold the transaction");
}

Result<AccountAudit> check_account(Context& context, const std::string& genesis_file, const Address& address) {
  Follower follower = TRY(Follower::start(context, genesis_file));
  const StatePath path = path::account(address);
  AccountAudit out;
  const Json answer = TRY(context.call("ledger.prove", {{"path", path.hex()}}));
  out.header = TRY(decoded<Header>(answer, "header"));
  out.chain = TRY(follower.reach(out.header));
  std::optional<Bytes> value;
  if (answer.contains("value") && !answer["value"].is_null()) value = TRY(bytes_of(answer, "value"));
  const auto proof = TRY(decoded<StateProof>(answer, "proof"));
  const auto view = value ? std::optional<ByteView>(*value) : std::nullopt;
  if (!verify_proof(out.header.state_root, path, view, proof))
    return mismatch("the proof of the account does not hold");
  if (value) out.account = TRY(decode<Account>(*value));
  return out;
}

}  // namespace micro
