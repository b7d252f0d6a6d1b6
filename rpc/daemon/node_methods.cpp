// The ledger's and the node's own methods.
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "chain/identity/node_identity.hpp"
#include "rpc/api/json_names.hpp"
#include "rpc/daemon/node.hpp"
#include "rpc/daemon/version.hpp"

namespace micro {
namespace {

constexpr std::uint64_t kDefaultPage = 50;
constexpr std::uint64_t kTxValidBlocks = 1'000;
constexpr std::uint64_t kMaxWaitMs = 120'000;

std::size_t page_of(RpcParams& params) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(params.u64_or("limit", kDefaultPage), views::kMaxPage));
}

}  // namespace

void Node::add_methods() {
  methods_.add("node.info", [this](RpcParams& p) -> Result<Json> {
    TRY(p.finish());
    return node_info();
  });
  methods_.add("node.keys", [this](RpcParams& p) -> Result<Json> {
    const std::string owner = TRY(p.text("owner"));
    TRY(p.finish());
    return node_keys(owner);
  });
  methods_.add("node.params", [this](RpcParams& p) -> Result<Json> {
    TRY(p.finish());
    return ledger_->view([](const views::Moment& m) -> Result<Json> { return views::params(m); });
  });
  methods_.add("node.stop", [this](RpcParams& p) -> Result<Json> {
    TRY(p.finish());
    // The answer leaves first.
    const auto timer = std::make_shared<boost::asio::steady_timer>(io_, std::chrono::milliseconds(50));
    timer->async_wait([this, timer](const boost::system::error_code&) { stop(); });
    return Json::object();
  });
  add_ledger_methods();
  add_tx_methods();
  add_service_methods();
  add_session_methods();
  add_host_methods();
}

Result<Json> Node::node_info() const {
  Json out = TRY(ledger_->view([](const views::Moment& m) { return views::head(m); }));
  Json info{{"version", kMicroVersion},
            {"network", std::string(genesis_.network)},
            {"kind", to_json(json(), genesis_.kind)},
            {"chain_id", chain_.hex()},
            {"node_key", keys_->node.public_key().hex()},
            {"consensus_key", keys_->consensus.public_key().hex()},
            {"operating_address", address_text(genesis_.kind, address_of(keys_->operating.public_key()))},
            {"pid", ::getpid()},
            {"data_dir", config_.data_dir.string()},
            {"http", "http://" + config_.http_host + ":" + std::to_string(http_port_)},
            {"height", out["height"]},
            {"block", out["id"]},
            {"epoch", out["epoch"]},
            {"epoch_ms", genesis_.params.epoch_ms},
            {"time", out["time"]},
            {"price_per_mgas", amount_text(genesis_.params.price_per_mgas)},
            {"started", started_.text()},
            {"free_calls", config_.free_calls},
            {"dev", config_.dev}};
  if (self_) info["node_id"] = self_->hex();
  return info;
}

Result<Json> Node::node_keys(const std::string& owner) const {
  const Address address = TRY(parse_address(genesis_.kind, owner));
  const Ed25519Key node = keys_->node.public_key();
  const Ed25519Key consensus = keys_->consensus.public_key();
  const Hash proof = node_proof_hash(chain_, address, node, consensus);
  Json out{{"node_key", node.hex()},
           {"consensus_key", consensus.hex()},
           {"node_proof", keys_->node.sign(proof).hex()},
           {"consensus_proof", keys_->consensus.sign(proof).hex()}};
  if (self_) out["node_id"] = self_->hex();
  return out;
}

void Node::add_ledger_methods() {
  const auto view = [this](auto read) { return ledger_->view(read); };
  methods_.add("ledger.head", [view](RpcParams& p) -> Result<Json> {
    TRY(p.finish());
    return view([](const views::Moment& m) { return views::head(m); });
  });
  methods_.add("ledger.block", [this, view](RpcParams& p) -> Result<Json> {
    std::optional<Height> height;
    if (const auto id = p.optional_text("id")) {
      height = TRY(ledger_->ledger().blocks().height_of(TRY(BlockId::parse(*id))));
    }
    if (!height) height = Height(TRY(p.u64("height")));
    TRY(p.finish());
    return view([&](const views::Moment& m) { return views::block(m, *height); });
  });
  methods_.add("ledger.tx", [this, view](RpcParams& p) -> Result<Json> {
    const TxId id = TRY(TxId::parse(TRY(p.text("txid"))));
    TRY(p.finish());
    // Waiting ends after the block is stored: in this order nothing is missed between the two.
    const bool waits = ledger_->ledger().waiting_tx(id).has_value();
    const auto stored = ledger_->ledger().blocks().tx(id);
    if (stored) return view([&](const views::Moment& m) { return views::tx(m, *stored); });
    if (waits) return Json{{"txid", id.hex()}, {"found", true}, {"pending", true}};
    return fail(Fault::kNotFound, "no transaction " + id.hex());
  });
  methods_.add("ledger.account", [this, view](RpcParams& p) -> Result<Json> {
    const Address address = TRY(parse_address(genesis_.kind, TRY(p.text("address"))));
    TRY(p.finish());
    return view([&](const views::Moment& m) { return views::account(m, address); });
  });
  methods_.add("ledger.history", [this, view](RpcParams& p) -> Result<Json> {
    const Address address = TRY(parse_address(genesis_.kind, TRY(p.text("address"))));
    std::optional<TxCursor> before;
    if (const auto cursor = p.optional_text("cursor")) before = TRY(views::parse_cursor(*cursor));
    const std::size_t limit = page_of(p);
    TRY(p.finish());
    return view([&](const views::Moment& m) { return views::history(m, address, before, limit); });
  });
  methods_.add("ledger.supply", [view](RpcParams& p) -> Result<Json> {
    TRY(p.finish());
    return view([](const views::Moment& m) { return views::supply(m); });
  });
  methods_.add("ledger.prove", [this](RpcParams& p) -> Result<Json> {
    const StatePath at = TRY(StatePath::parse(TRY(p.text("path"))));
    TRY(p.finish());
    const auto proven = ledger_->ledger().prove(at);
    Json out{{"height", proven.header.height.text()},
             {"header", to_hex(encode(proven.header))},
             {"proof", to_hex(encode(proven.proof))}};
    if (proven.value) out["value"] = to_hex(*proven.value);
    return out;
  });
  methods_.add("ledger.light", [this](RpcParams& p) -> Result<Json> {
    const std::uint64_t from = p.u64_or("from_epoch", 0);
    TRY(p.finish());
    return light_bundle(from);
  });
}

/// Boundary headers from an epoch on, and the tip: what a light client follows.
Result<Json> Node::light_bundle(std::uint64_t from_epoch) const {
  constexpr std::size_t kMaxEpochsPerBundle = 2'000;
  const BlockStore& blocks = ledger_->ledger().blocks();
  const auto pair = [&](Height height) -> Result<Json> {
    return Json{{"header", to_hex(encode(TRY(blocks.header(height))))},
                {"certificate", to_hex(encode(TRY(blocks.certificate(height))))}};
  };
  Json epochs = Json::array();
  std::uint64_t epoch = from_epoch;
  for (; epochs.size() < kMaxEpochsPerBundle; ++epoch) {
    const auto height = blocks.boundary_of(Epoch(static_cast<std::uint32_t>(epoch)));
    if (!height) break;
    Json entry = TRY(pair(*height));
    entry["epoch"] = epoch;
    const Epoch next(static_cast<std::uint32_t>(epoch + 1));
    entry["next_validators"] = to_hex(encode(TRY(ledger_->ledger().validators(next))));
    epochs.push_back(std::move(entry));
  }
  Json out{{"genesis", to_hex(encode(genesis_))},
           {"genesis_header", to_hex(encode(TRY(blocks.header(Height(0)))))},
           {"epochs", std::move(epochs)}};
  if (!blocks.boundary_of(Epoch(static_cast<std::uint32_t>(epoch)))) {
    const auto tip = blocks.tip();
    if (tip && tip->height.value > 0) out["tip"] = TRY(pair(tip->height));
  } else {
    out["next_epoch"] = epoch;
  }
  return out;
}

void Node::add_tx_methods() {
  methods_.add("tx.context", [this](RpcParams& p) -> Result<Json> {
    const Address address = TRY(parse_address(genesis_.kind, TRY(p.text("address"))));
    TRY(p.finish());
    Json account = TRY(ledger_->view([&](const views::Moment& m) { return views::account(m, address); }));
    const Height height = ledger_->height();
    return Json{{"chain_id", chain_.hex()},
                {"kind", to_json(json(), genesis_.kind)},
                {"nonce", ledger_->ledger().pending_nonce(address).text()},
                {"height", height.text()},
                {"epoch", epoch_.value},
                {"valid_until", std::to_string(height.value + kTxValidBlocks)},
                {"params", to_hex(encode(genesis_.params))},
                {"live", account["live"]}};
  });
  methods_.add("tx.submit", [this](RpcParams& p) -> Result<Json> {
    const Bytes raw = TRY(from_hex(TRY(p.text("tx"))));
    TRY(p.finish());
    if (raw.size() > kMaxTxBytes)
      return fail(Fault::kLimit, "a transaction has at most " + std::to_string(kMaxTxBytes) + " bytes");
    const SignedTx tx = TRY(decode<SignedTx>(raw));
    const TxId id = TRY(ledger_->submit(tx));
    return Json{{"txid", id.hex()}, {"accepted", true}, {"status", "Ok"}, {"status_text", "waits for a block"}};
  });
  methods_.add_slow("tx.wait", [this](RpcParams& p, RpcDone done) {
    const auto text = p.text("txid");
    const auto id = text ? TxId::parse(*text) : std::unexpected(text.error());
    const std::uint64_t timeout = std::min(p.u64_or("timeout_ms", 30'000), kMaxWaitMs);
    if (!id) return done(std::unexpected(id.error()));
    ledger_->wait_final(*id, timeout, [this, done = std::move(done)](const Result<StoredTx>& stored) {
      boost::asio::post(io_, [this, done, stored] {
        if (!stored) return done(std::unexpected(stored.error()));
        done(ledger_->view([&](const views::Moment& m) { return views::tx(m, *stored); }));
      });
    });
  });
}

}  // namespace micro
