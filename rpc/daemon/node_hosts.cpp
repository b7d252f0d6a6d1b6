// Methods about session keys, stake, governance and the network.
#include <boost/asio/post.hpp>

#include "chain/registry/resolve.hpp"
#include "rpc/daemon/node.hpp"

namespace micro {
namespace {

namespace asio = boost::asio;
constexpr std::uint64_t kClaimWaitMs = 30'000;

std::string session_state(const Json& account, Epoch now, const SessionKey& key) {
  if (!account.contains("session")) return "not granted";
  if (account["session"]["revoked"].get<bool>()) return "revoked";
  return now >= key.caps.expires ? "expired" : "active";
}

/// The node's claims on their way: all are final before the answer leaves.
struct Claims {
  RpcDone done;
  Json list = Json::array();
  Json skipped = Json::array();
  std::size_t open = 0;
  Amount total;

  void finish() {
    done(Json{
        {"claims", std::move(list)}, {"skipped", std::move(skipped)}, {"total", amount_text(total)}, {"unit", "TOK"}});
  }
};

void note_claim(Claims& claims, const TxId& id, const Result<StoredTx>& stored) {
  Json entry{{"txid", id.hex()}, {"status", stored ? std::string(tx_status_name(stored->receipt.status)) : "unknown"}};
  for (const Event& event : stored ? stored->receipt.events : decltype(stored->receipt.events){}) {
    const auto* claimed = std::get_if<event::Claimed>(&event);
    if (claimed == nullptr) continue;
    entry["channel"] = claimed->channel.hex();
    entry["amount"] = amount_text(claimed->to_host);
    entry["charged"] = amount_text(claimed->charged);
    entry["burned"] = amount_text(claimed->burned);
    entry["to_owner"] = amount_text(claimed->to_owner);
    entry["fee"] = amount_text(claimed->fee);
    claims.total = Amount(claims.total.micro + claimed->to_host.micro);
  }
  claims.list.push_back(std::move(entry));
  if (--claims.open == 0) claims.finish();
}

/// What stays unclaimed, since the fee of its claim would take it all.
Json below_the_fee(const std::vector<payment::ChannelBooks>& books) {
  Json out = Json::array();
  for (const payment::ChannelBooks& channel : books) {
    if (channel.claimable.is_zero() || channel.claim_sent || channel.claimable > channel.claim_fee) continue;
    out.push_back({{"channel", channel.channel.hex()},
                   {"claimable", amount_text(channel.claimable)},
                   {"fee", amount_text(channel.claim_fee)},
                   {"reason", "below the claim's fee"}});
  }
  return out;
}

}  // namespace

void Node::new_session(RpcParams& p, RpcDone done) {
  const auto made = [&]() -> Result<std::pair<Address, SessionCaps>> {
    const Address owner = TRY(parse_address(genesis_.kind, TRY(p.text("owner"))));
    SessionCaps caps;
    caps.expires = Epoch(static_cast<std::uint32_t>(TRY(p.u64("expires"))));
    caps.per_call_cap = TRY(parse_amount(TRY(p.text("per_call_cap"))));
    caps.window_cap = TRY(parse_amount(TRY(p.text("window_cap"))));
    caps.window_epochs = static_cast<std::uint32_t>(TRY(p.u64("window_epochs")));
    caps.gateway_may_pay = true;
    for (const std::string& name : p.texts("services")) {
      const ServiceEntry* service = directory_ ? directory_->find(std::string_view(name)) : nullptr;
      if (service == nullptr) return fail(Fault::kNotFound, "there is no service named " + name);
      if (caps.services.size() == kMaxSessionServices) return fail(Fault::kLimit, "too many services");
      caps.services.push_back(service->service);
    }
    return std::pair{owner, caps};
  }();
  const std::string label = p.optional_text("label").value_or("default").substr(0, kMaxSessionLabelBytes);
  if (!made) return done(std::unexpected(made.error()));
  if (const auto whole = p.finish(); !whole) return done(std::unexpected(whole.error()));
  desk_->new_session(label, made->first, made->second, [this, done = std::move(done)](const Result<SessionKey>& key) {
    asio::post(io_, [this, done, key] {
      if (!key) return done(std::unexpected(key.error()));
      done(Json{{"key", key->key.hex()},
                {"address", address_text(genesis_.kind, key->address())},
                {"grant", to_hex(encode(key->grant()))}});
    });
  });
}

void Node::add_session_methods() {
  methods_.add_slow("session.new", [this](RpcParams& p, RpcDone done) { new_session(p, std::move(done)); });
  methods_.add_slow("session.list", [this](RpcParams& p, RpcDone done) {
    const auto owner = p.optional_text("owner");
    desk_->sessions([this, owner, done = std::move(done)](const std::vector<SessionKey>& keys) {
      asio::post(io_, [this, owner, done, keys] {
        Json out = Json::array();
        for (const SessionKey& key : keys) {
          const std::string of = address_text(genesis_.kind, key.owner);
          if (owner && *owner != of) continue;
          const auto account = ledger_->view([&](const views::Moment& m) { return views::account(m, key.address()); });
          if (!account) return done(std::unexpected(account.error()));
          Json services = Json::array();
          for (const ServiceId& id : key.caps.services) {
            const ServiceEntry* service = directory_ ? directory_->find(id) : nullptr;
            services.push_back(service != nullptr ? service->name : id.hex());
          }
          out.push_back({{"label", std::string(key.label)},
                         {"address", address_text(genesis_.kind, key.address())},
                         {"owner", of},
                         {"expires", key.caps.expires.value},
                         {"per_call_cap", amount_text(key.caps.per_call_cap)},
                         {"window_cap", amount_text(key.caps.window_cap)},
                         {"window_spent",
                          account->contains("session") ? (*account)["session"]["window_spent"] : Json("0.000000")},
                         {"services", std::move(services)},
                         {"state", session_state(*account, epoch_, key)}});
        }
        done(std::move(out));
      });
    });
  });
  methods_.add_slow("session.forget", [this](RpcParams& p, RpcDone done) {
    const auto text = p.text("address");
    const auto address = text ? parse_address(genesis_.kind, *text) : std::unexpected(text.error());
    if (!address) return done(std::unexpected(address.error()));
    desk_->forget_session(*address, [this, done = std::move(done)](const Status& status) {
      asio::post(io_,
                 [done, status] { done(status ? Result<Json>(Json::object()) : std::unexpected(status.error())); });
    });
  });
  methods_.add("channel.list", [this](RpcParams& p) -> Result<Json> {
    std::optional<Address> payer;
    if (const auto text = p.optional_text("payer")) payer = TRY(parse_address(genesis_.kind, *text));
    TRY(p.finish());
    return ledger_->view([&](const views::Moment& m) { return views::channels(m, payer); });
  });
}

void Node::claim(RpcDone done) {
  desk_->claim([this, done = std::move(done)](const std::vector<TxId>& ids) {
    desk_->books([this, done, ids](const std::vector<payment::ChannelBooks>& books) {
      asio::post(io_, [this, done, ids, skipped = below_the_fee(books)] {
        const auto claims = std::make_shared<Claims>();  // the waits end one by one
        claims->done = done;
        claims->skipped = skipped;
        claims->open = ids.size();
        if (ids.empty()) return claims->finish();
        for (const TxId& id : ids) {
          ledger_->wait_final(id, kClaimWaitMs, [this, claims, id](const Result<StoredTx>& stored) {
            asio::post(io_, [claims, id, stored] { note_claim(*claims, id, stored); });
          });
        }
      });
    });
  });
}

/// The account under which this node is registered.
Result<std::string> Node::node_owner() const {
  if (!self_) return fail(Fault::kNotFound, "this node is not registered", "offer its resources: micro stake offer");
  return ledger_->ledger().read([&](const StateView& state, const Header&) -> Result<std::string> {
    const auto node = TRY(read_record<NodeRecord>(state, path::node(*self_)));
    if (!node) return fail(Fault::kNotFound, "this node is not on the ledger");
    return address_text(genesis_.kind, node->owner);
  });
}

Json Node::rewards_json(const std::string& owner, const std::vector<payment::ChannelBooks>& books) const {
  std::uint64_t calls = 0;
  Amount earned;
  Amount claimable;
  Json channels = Json::array();
  for (const payment::ChannelBooks& channel : books) {
    calls += channel.calls;
    earned = Amount(earned.micro + channel.earned.micro);
    claimable = Amount(claimable.micro + channel.claimable.micro);
    channels.push_back({{"channel", channel.channel.hex()},
                        {"service", channel.service.hex()},
                        {"payer", address_text(genesis_.kind, channel.payer)},
                        {"calls", std::to_string(channel.calls)},
                        {"charged", amount_text(channel.charged)},
                        {"base_fee", amount_text(channel.base_fee)},
                        {"earned", amount_text(channel.earned)},
                        {"claimable", amount_text(channel.claimable)}});
  }
  return Json{{"owner", owner},
              {"earned", amount_text(earned)},
              {"claimed", amount_text(Amount(earned.micro - std::min(earned, claimable).micro))},
              {"claimable", amount_text(claimable)},
              {"calls", std::to_string(calls)},
              {"channels", std::move(channels)},
              {"unit", "TOK"}};
}

void Node::add_host_methods() {
  methods_.add("stake.list", [this](RpcParams& p) -> Result<Json> {
    TRY(p.finish());
    return ledger_->view([](const views::Moment& m) { return views::offers(m); });
  });
  methods_.add_slow("stake.rewards", [this](RpcParams& p, RpcDone done) {
    const auto owner = p.optional_text("owner");
    const auto whole = p.finish();
    const auto own = whole ? node_owner() : std::unexpected(whole.error());
    if (!own) return done(std::unexpected(own.error()));
    if (owner && *owner != *own) {
      return done(fail(Fault::kNotFound, "this node earns nothing for " + *owner, "its owner is " + *own));
    }
    desk_->books([this, owner = *own, done = std::move(done)](const std::vector<payment::ChannelBooks>& books) {
      asio::post(io_, [this, owner, books, done] { done(rewards_json(owner, books)); });
    });
  });
  methods_.add_slow("stake.claim", [this](RpcParams&, RpcDone done) { claim(std::move(done)); });
  add_governance_methods();
}

void Node::add_governance_methods() {
  methods_.add("gov.rules", [this](RpcParams& p) -> Result<Json> {
    TRY(p.finish());
    return ledger_->view([](const views::Moment& m) { return views::rules(m); });
  });
  methods_.add("gov.decisions", [this](RpcParams& p) -> Result<Json> {
    std::optional<std::uint64_t> before;
    if (p.optional_text("cursor")) before = TRY(p.u64("cursor"));
    const std::size_t limit = static_cast<std::size_t>(std::min<std::uint64_t>(p.u64_or("limit", 50), views::kMaxPage));
    TRY(p.finish());
    return ledger_->view([&](const views::Moment& m) { return views::decisions(m, before, limit); });
  });
  methods_.add("gov.decision", [this](RpcParams& p) -> Result<Json> {
    const std::uint64_t number = TRY(p.u64("decision"));
    TRY(p.finish());
    return ledger_->view([&](const views::Moment& m) { return views::decision(m, number); });
  });
  methods_.add("net.nodes", [this](RpcParams& p) -> Result<Json> {
    TRY(p.finish());
    Json out = TRY(ledger_->view([](const views::Moment& m) { return views::nodes(m); }));
    for (Json& node : out) {
      const bool own = node["node_key"].get<std::string>() == keys_->node.public_key().hex();
      node["is_self"] = own;
      node["address"] = own ? config_.http_host + ":" + std::to_string(http_port_) : "";
    }
    return out;
  });
  methods_.add("net.services", [this](RpcParams& p) -> Result<Json> {
    TRY(p.finish());
    Json out = Json::array();
    for (const Json& service : TRY(ledger_->view([](const views::Moment& m) { return views::services(m); }))) {
      out.push_back(service["name"]);
    }
    return out;
  });
  methods_.add("dev.accounts", [this](RpcParams& p) -> Result<Json> {
    TRY(p.finish());
    if (!config_.dev) return fail(Fault::kNotFound, "this is not a development network", "start one with: micro dev");
    Json accounts = Json::array();
    for (const DevAccount& account : TRY(dev_accounts())) {
      const Json live = TRY(ledger_->view([&](const views::Moment& m) { return views::account(m, account.address); }));
      accounts.push_back({{"index", account.index},
                          {"address", address_text(genesis_.kind, account.address)},
                          {"path", account.path},
                          {"live", live["live"]}});
    }
    return Json{{"phrase", std::string(kDevPhrase)}, {"accounts", std::move(accounts)}, {"unit", "TOK"}};
  });
}

}  // namespace micro
