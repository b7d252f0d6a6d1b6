#include "consensus/light/script.hpp"

#include <set>

namespace micro::light {
namespace {

Refusal refusal(const Error& error) {
  Refusal out;
  out.fault = static_cast<std::uint8_t>(error.fault);
  out.why = Text<256>(error.message.substr(0, 256));
  return out;
}

class Reader {
 public:
  explicit Reader(LightClient client) : client_(std::move(client)) {}

  Status operator()(const EndEpoch& f) { return client_.end_epoch(f.header, f.certificate, f.next); }
  Status operator()(const Advance& f) { return client_.advance(f.header, f.certificate); }
  Status operator()(const SkipTo& f) {
    if (TRY(client_.skip(f.step, {f.now, f.period_ms, f.drift_ms})) == Reach::kTaken) return {};
    return fail(Fault::kNotFound, "too little of the known committee signed: try an epoch between");
  }
  Status operator()(const CheckState& f) {
    return client_.check_state(f.path, f.value ? std::optional<ByteView>(*f.value) : std::nullopt, f.proof);
  }
  Status operator()(const CheckBlock& f) {
    TRY(client_.check_block(f.header, f.proof));
    believed_.insert(block_id(f.header));
    return {};
  }
  Status operator()(const CheckTx& f) {
    TRY(believe(f.header));
    return check_tx_in_block(f.header, f.tx, f.proof);
  }
  Status operator()(const CheckReceipt& f) {
    TRY(believe(f.header));
    return check_receipt_in_block(f.header, f.receipt, f.proof);
  }
  Status operator()(const CheckEvent& f) {
    TRY(believe(f.header));
    return check_event_in_block(f.header, f.event, f.proof);
  }
  [[nodiscard]] const LightClient& client() const { return client_; }

 private:
  [[nodiscard]] Status believe(const Header& header) const {
    const BlockId id = block_id(header);
    if (id == client_.tip_id() || believed_.contains(id)) return {};
    return fail(Fault::kMismatch, "a header that was not checked");
  }
  LightClient client_;
  std::set<BlockId> believed_;
};

Result<LightClient> begin(const std::variant<FromGenesis, FromCheckpoint>& start) {
  if (const auto* g = std::get_if<FromGenesis>(&start)) return LightClient::from_genesis(g->genesis, g->header);
  const auto& c = std::get<FromCheckpoint>(start);
  return LightClient::from_checkpoint(c.chain, c.boundary, c.set);
}

}  // namespace

Outcome run(const Script& script) {
  Outcome out;
  auto client = begin(script.start);
  if (!client) {
    out.start = refusal(client.error());
    return out;
  }
  Reader reader(std::move(*client));
  for (const Feed& feed : script.feeds) {
    const Status taken = std::visit(reader, feed);
    out.feeds.push_back(taken ? std::nullopt : std::optional(refusal(taken.error())));
  }
  out.tip = reader.client().tip();
  out.epoch = reader.client().epoch();
  return out;
}

}  // namespace micro::light
