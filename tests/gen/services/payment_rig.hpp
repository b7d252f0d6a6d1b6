// A provider with a model of everything around it: a payer that signs and checks, a disk whose writes can be held back
// or lost, and runs that end when the test says so.
#pragma once

#include <map>

#include "services/payment/provider.hpp"

namespace micro::payment {

template <class T>
T filled(std::uint8_t byte) {
  T out;
  out.data.fill(byte);
  return out;
}

inline ChainParams rig_params() {
  ChainParams p;
  p.epoch_ms = 3'600'000;
  p.bucket_epochs = 24;
  p.dispute_epochs = 12;
  return p;
}

/// The payer's view of one lane: the simplest wallet that is still right.
class NaivePayer {
 public:
  NaivePayer(ChannelId channel, std::uint8_t lane, CallTerms terms) : channel_(channel), lane_(lane), terms_(terms) {}

  static SecretKey vkey() { return *SecretKey::from(filled<Hash>(0x11)); }
  static CallRequest request(ServiceId service, std::string_view body, Epoch price_epoch) {
    CallRequest r;
    r.record.method = Text<kMaxMethodBytes>("POST");
    r.record.service = service;
    r.record.target = Text<kMaxTargetBytes>("/add");
    r.record.body_hash = sha256(as_bytes(body));
    r.record.price_epoch = price_epoch;
    r.body = Blob<kMaxRequestBodyBytes>(as_bytes(body));
    return r;
  }
  /// Signs the next voucher. The payer never signs another before this one has ended.
  SignedVoucher sign(const CallRequest& request, Amount max_price, TimeMs accept_by = TimeMs(~0ULL)) {
    Voucher v{channel_,
              lane_,
              state_.seq + 1,
              Amount(state_.cum_charged.micro + max_price.micro),
              request_hash(request.record),
              accept_by};
    pending_ = SignedVoucher{v, sign_voucher(vkey(), v)};
    return *pending_;
  }
  /// An error when the receipt is a lie. Receipts of calls that were settled before must be the same bytes again.
  Status settle(const SignedReceipt& receipt, const CallInputs& inputs, const Ed25519Key& host) {
    if (!verify_receipt(host, receipt.receipt, receipt.signature)) return fail(Fault::kMismatch, "host's signature");
    const auto known = receipts_.find(receipt.receipt.seq);
    if (known != receipts_.end()) {
      if (known->second != receipt.receipt) return fail(Fault::kMismatch, "two receipts for one number");
      return {};
    }
    if (!pending_) return fail(Fault::kMismatch, "a receipt for nothing");
    TRY(check_receipt(receipt.receipt, inputs, pending_->voucher, state_, terms_));
    receipts_[receipt.receipt.seq] = receipt.receipt;
    state_ = {receipt.receipt.seq, receipt.receipt.cum_charged, receipt.receipt.cum_base_fee};
    pending_.reset();
    return {};
  }
  [[nodiscard]] const std::optional<SignedVoucher>& pending() const { return pending_; }
  [[nodiscard]] const LaneState& state() const { return state_; }

 private:
  ChannelId channel_;
  std::uint8_t lane_;
  CallTerms terms_;
  LaneState state_;
  std::optional<SignedVoucher> pending_;
  std::map<std::uint64_t, CallReceipt> receipts_;
};

class Rig {
 public:
  static constexpr std::uint64_t kStartMs = 1'800'000'000'000;

  explicit Rig(std::uint8_t lanes = 1) { boot(lanes); }

  void boot(std::uint8_t lanes) {
    config.chain = filled<ChainId>(1);
    config.node = filled<NodeId>(2);
    config.node_key = Ed25519Secret::from_seed(filled<Hash>(3));
    config.seed_secret = filled<Hash>(4);
    config.engine = filled<Hash>(5);
    config.params = rig_params();
    record.channel = filled<ChannelId>(6);
    record.service = filled<ServiceId>(7);
    record.host = config.node;
    record.vkey = NaivePayer::vkey().x_only_key();
    record.terms = {Amount(1'000), 700'000, 50'000, config.node_key.public_key()};
    record.opened_at = Height(10);
    record.opened = Epoch(1);
    record.end = Epoch(200);
    record.deposit = Amount(1'000'000);
    record.lanes.resize(lanes);
    start();
  }

  /// A process starts over what is on disk: everything in memory is new.
  void start() {
    held.clear();
    runs.clear();
    answers.clear();
    generation = open_books(store, generation, Height(5))->generation;
    provider.emplace(config, store);
    last_status = provider->recover(*meta());
    send(TipAdvanced{epoch, now, config.params.price_per_mgas});
    send(ChannelSeen{record, record.end});
    send(LedgerRead{});
  }
  std::optional<StoreMeta> meta() const {
    const auto bytes = store.get(meta_key());
    return *decode<StoreMeta>(**bytes);
  }

  void send(const Event& event) { perform(provider->on(event, now)); }

  void perform(Effects effects) {
    for (Effect& effect : effects) {
      if (auto* persist = std::get_if<Persist>(&effect)) {
        held.push_back(std::move(*persist));
      } else if (auto* run = std::get_if<Run>(&effect)) {
        runs.push_back(std::move(*run));
      } else if (auto* respond = std::get_if<Respond>(&effect)) {
        answers[respond->id] = std::move(respond->answer);
      } else if (auto* claim = std::get_if<SubmitClaim>(&effect)) {
        claims.push_back(std::move(claim->claim));
      } else if (auto* finalize = std::get_if<SubmitFinalize>(&effect)) {
        finalizes.push_back(finalize->channel);
      } else {
        closes.push_back(std::move(std::get<CloseSigned>(effect)));
      }
    }
    if (sync_at_once) sync();
  }
  /// Writes everything held back as one batch, then reports it.
  void sync() {
    while (!held.empty()) {
      std::vector<Write> batch;
      const std::uint64_t through = held.back().token;
      for (Persist& p : held) std::move(p.writes.begin(), p.writes.end(), std::back_inserter(batch));
      held.clear();
      static_cast<void>(store.write(batch));
      perform(provider->on(Persisted{through}, now));
    }
  }
  /// What every run of this call gives, whenever and however often it runs.
  static RunEnded result_of(const Run& run) {
    CallReply reply;
    reply.status = 200;
    reply.body = Blob<kMaxReplyBodyBytes>(run.inputs.seed.view().first(8));
    return {run.call, RunOutcome::kCompleted, Gas(1'000 + run.request.body.size()), reply};
  }
  void finish_run() {
    const Run run = runs.front();
    runs.erase(runs.begin());
    send(result_of(run));
  }

  CallId call(const SignedVoucher& paid, const CallRequest& request, bool ready = true) {
    CallArrived e{next_id++, paid, request, std::nullopt, false};
    if (ready) e.module = filled<CodeHash>(8);
    send(e);
    return e.id;
  }
  CallRequest request(std::string_view body = "1+1") const { return NaivePayer::request(record.service, body, epoch); }
  NaivePayer payer(std::uint8_t lane = 0) const {
    return {record.channel, lane, call_terms(config.params, record.terms.price, config.params.price_per_mgas)};
  }
  void next_epoch() {
    epoch = epoch.next();
    now.value += config.params.epoch_ms;
    send(TipAdvanced{epoch, now, config.params.price_per_mgas});
  }
  [[nodiscard]] Ed25519Key host_key() const { return config.node_key.public_key(); }

  ProviderConfig config;
  ChannelRecord record;
  MemoryStore store;
  std::optional<Provider> provider;
  Status last_status;
  std::uint64_t generation = 0;
  Epoch epoch{10};
  TimeMs now{kStartMs};
  bool sync_at_once = true;
  CallId next_id = 1;
  std::vector<Persist> held;
  std::vector<Run> runs;
  std::map<CallId, Answer> answers;
  std::vector<Claim> claims;
  std::vector<ChannelId> finalizes;
  std::vector<CloseSigned> closes;
};

}  // namespace micro::payment
