#include <charconv>

#include "chain/economy/lot.hpp"
#include "chain/economy/supply.hpp"
#include "chain/execution/execute.hpp"
#include "chain/execution/full_sum.hpp"
#include "chain/execution/holders.hpp"
#include "rpc/api/json_names.hpp"
#include "rpc/views/views.hpp"

namespace micro::views {
namespace {

std::string_view phase_name(LotPhase phase) {
  switch (phase) {
    case LotPhase::kLive:
      return "live";
    case LotPhase::kGrace:
      return "grace";
    case LotPhase::kGone:
      return "gone";
  }
  return "";
}

/// What a transaction looks like in a list.
/// Whose tokens the fee was; nothing when it came out of a channel, as that of a claim does.
Result<std::optional<Address>> payer_of(const Moment& m, const TxBody& body) {
  if (std::holds_alternative<Claim>(body.payload) || std::holds_alternative<Finalize>(body.payload))
    return std::nullopt;
  if (const auto* attest = std::get_if<AttestBuild>(&body.payload)) {
    const auto node = TRY(read_record<NodeRecord>(m.state, path::node(attest->node)));
    return node ? node->owner : body.sender;
  }
  const auto session = TRY(read_record<SessionRecord>(m.state, path::session(body.sender)));
  return session ? session->owner : body.sender;
}

Result<Json> brief(const Moment& m, const TxCursor& at) {
  const Block block = TRY(m.blocks.block(at.height));
  const BlockReceipts receipts = TRY(m.blocks.receipts(at.height));
  Json out{{"height", at.height.text()}};
  if (at.tx == kBoundaryTx) {
    out["kind"] = "EpochBoundary";
    out["status"] = "Ok";
    out["events"] = to_json(m.json, receipts.boundary_events);
    return out;
  }
  if (at.tx >= block.txs.size() || at.tx >= receipts.receipts.size()) {
    return fail(Fault::kCorrupt, "an index entry names a transaction that its block does not hold");
  }
  const TxReceipt& receipt = receipts.receipts[at.tx];
  out["txid"] = receipt.tx.hex();
  const TxBody& body = block.txs[at.tx].body;
  out["kind"] = tx_kind_name(body.payload.index());
  out["status"] = tx_status_name(receipt.status);
  out["fee"] = amount_text(receipt.fee);
  if (const auto payer = TRY(payer_of(m, body))) out["paid_by"] = address_text(m.json.kind, *payer);
  out["events"] = to_json(m.json, receipt.events);
  return out;
}

Json session_json(const Moment& m, const SessionRecord& s) {
  return {{"owner", address_text(m.json.kind, s.owner)}, {"expires", s.expires.value},
          {"per_call_cap", amount_text(s.per_call_cap)}, {"window_cap", amount_text(s.window_cap)},
          {"window_spent", amount_text(s.window_spent)}, {"revoked", s.revoked}};
}

/// Sums of what all records hold, module by module: the naive check of the counters.
Result<std::map<Module, Amount>> sums_by_module(const Moment& m) {
  std::map<Module, Amount> sums;
  const LotTime time = lot_time(m.clock.epoch, m.params);
  Status status;
  for (const Module module : purse_modules()) {
    m.state.scan(module, [&](const StatePath&, ByteView record) {
      status = for_each_purse(module, record, [&](const Purse& purse, bool paused) {
        for (const Lot& lot : purse.lots) {
          if (paused || phase_of(lot.expiry, time) == LotPhase::kLive) sums[module].micro += lot.amount.micro;
        }
      });
      return status.has_value();
    });
    TRY(status);
  }
  return sums;
}

}  // namespace

Result<Moment> moment(const StateView& state, const BlockStore& blocks, NetworkKind kind) {
  auto params = TRY(read_record<ChainParams>(state, path::params()));
  auto clock = TRY(read_record<EpochClock>(state, path::epoch_clock()));
  if (!params || !clock) return fail(Fault::kCorrupt, "the state holds no parameters or epoch clock");
  return Moment{state, blocks, JsonContext{kind}, *params, *clock};
}

std::string cursor_text(const TxCursor& cursor) {
  return cursor.height.text() + "-" + std::to_string(cursor.tx);
}

Result<TxCursor> parse_cursor(std::string_view text) {
  TxCursor out;
  const char* end = text.data() + text.size();
  const auto [mid, error] = std::from_chars(text.data(), end, out.height.value);
  if (error == std::errc{} && mid != end && *mid == '-') {
    const auto [last, second_error] = std::from_chars(mid + 1, end, out.tx);
    if (second_error == std::errc{} && last == end) return out;
  }
  return fail(Fault::kInvalid, "not a cursor of this list", "start again without one");
}

Result<Json> head(const Moment& m) {
  const auto& tip = m.blocks.tip();
  if (!tip) return fail(Fault::kNotFound, "the ledger has no block yet");
  const Header header = TRY(m.blocks.header(tip->height));
  return Json{{"height", header.height.text()},
              {"id", tip->id.hex()},
              {"epoch", m.clock.epoch.value},
              {"time", header.time.text()},
              {"state_root", header.state_root.hex()}};
}

Json params(const Moment& m) {
  return to_json(m.json, m.params);
}

Result<Json> block(const Moment& m, Height height) {
  const Block found = TRY(m.blocks.block(height));
  const BlockReceipts receipts = TRY(m.blocks.receipts(height));
  Json txs = Json::array();
  for (std::size_t i = 0; i < found.txs.size() && i < receipts.receipts.size(); ++i) {
    txs.push_back({{"txid", receipts.receipts[i].tx.hex()},
                   {"kind", tx_kind_name(found.txs[i].body.payload.index())},
                   {"sender", address_text(m.json.kind, found.txs[i].body.sender)},
                   {"status", tx_status_name(receipts.receipts[i].status)}});
  }
  Json out{{"id", block_id(found.header).hex()},
           {"header", to_json(m.json, found.header)},
           {"txs", std::move(txs)},
           {"events", to_json(m.json, receipts.boundary_events)},
           {"raw", to_hex(encode(found))},
           {"receipts_raw", to_hex(encode(receipts))}};
  if (height.value > 0) {
    const Certificate certificate = TRY(m.blocks.certificate(height));
    out["certificate"] = to_json(m.json, certificate);
    out["certificate_raw"] = to_hex(encode(certificate));
  }
  return out;
}

Result<Json> tx(const Moment& m, const StoredTx& stored) {
  return Json{{"txid", stored.receipt.tx.hex()},
              {"found", true},
              {"pending", false},
              {"height", stored.height.text()},
              {"index", stored.index},
              {"kind", tx_kind_name(stored.tx.body.payload.index())},
              {"sender", address_text(m.json.kind, stored.tx.body.sender)},
              {"nonce", stored.tx.body.nonce.text()},
              {"status", tx_status_name(stored.receipt.status)},
              {"status_text", tx_status_text(stored.receipt.status)},
              {"status_hint", status_hint(stored.receipt.status, m.params)},
              {"ok", stored.receipt.status == TxStatus::kOk},
              {"fee", amount_text(stored.receipt.fee)},
              {"events", to_json(m.json, stored.receipt.events)},
              {"body", to_json(m.json, stored.tx.body)},
              {"raw", to_hex(encode(stored.tx))}};
}

Result<Json> account(const Moment& m, const Address& address) {
  const auto found = TRY(read_record<Account>(m.state, path::account(address)));
  const Account record = found.value_or(Account{address, {}, {}});
  const LotTime time = lot_time(m.clock.epoch, m.params);
  Json lots = Json::array();
  for (const Lot& lot : record.purse.lots) {
    const LotPhase phase = phase_of(lot.expiry, time);
    if (phase == LotPhase::kGone) continue;
    const std::uint64_t left = phase == LotPhase::kLive ? lot.expiry.value - m.clock.epoch.value : 0;
    lots.push_back({{"expiry", lot.expiry.value},
                    {"class", to_json(m.json, lot.cls)},
                    {"amount", amount_text(lot.amount)},
                    {"state", phase_name(phase)},
                    {"expires_in_ms", std::to_string(left * m.params.epoch_ms)}});
  }
  Json out{{"address", address_text(m.json.kind, address)},
           {"nonce", next_nonce(m.state, address).text()},
           {"live", amount_text(live_total(record.purse, time))},
           {"grace", amount_text(grace_total(record.purse, time))},
           {"unit", "TOK"},
           {"lots", std::move(lots)}};
  const auto session = TRY(read_record<SessionRecord>(m.state, path::session(address)));
  if (session) out["session"] = session_json(m, *session);
  return out;
}

Result<Json> history(const Moment& m, const Address& address, std::optional<TxCursor> before, std::size_t limit) {
  const auto entries = TRY(m.blocks.history(address, before, limit));
  Json items = Json::array();
  for (const TxCursor& at : entries) items.push_back(TRY(brief(m, at)));
  Json out{{"items", std::move(items)}};
  if (entries.size() == limit && limit > 0) out["cursor"] = cursor_text(entries.back());
  return out;
}

Result<Json> supply(const Moment& m) {
  const auto record = TRY(read_record<Supply>(m.state, path::supply()));
  if (!record) return fail(Fault::kCorrupt, "the state holds no supply");
  const SupplyBook book = TRY(SupplyBook::from(*record, lot_time(m.clock.epoch, m.params)));
  auto sums = TRY(sums_by_module(m));
  u128 held = 0;
  for (const auto& [module, sum] : sums) held += sum.micro;
  const auto wide = [](const Wide& w) {  // counters that only grow may pass 64 bits
    const std::string fraction = amount_text(Amount(static_cast<std::uint64_t>(w.value() % kMicroPerToken)));
    return wide_text(Wide(w.value() / kMicroPerToken)) + fraction.substr(1);
  };
  const bool in_full = check_full_sum(m.state).has_value();
  return Json{{"minted", wide(record->minted)},
              {"live", amount_text(book.live())},
              {"grace", amount_text(book.grace())},
              {"burned", wide(record->burned)},
              {"expired", wide(record->expired)},
              {"purged", wide(record->purged)},
              {"refreshed", wide(record->refreshed)},
              {"paused", amount_text(record->paused)},
              {"sum_accounts", amount_text(sums[Module::kAccounts])},
              {"sum_channels", amount_text(sums[Module::kChannels])},
              {"sum_bonds", amount_text(Amount(sums[Module::kOffers].micro + sums[Module::kSeats].micro))},
              {"sum_funds", amount_text(sums[Module::kFunds])},
              {"consistent", in_full && held == book.live().micro},
              {"unit", "TOK"}};
}

}  // namespace micro::views
