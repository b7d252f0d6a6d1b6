#include "rpc/daemon/node.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>

#include "chain/economy/channel.hpp"
#include "chain/registry/resolve.hpp"
#include "rpc/daemon/kv_payment_store.hpp"
#include "services/directory/wanted.hpp"
#include "services/policy/wasm_policy.hpp"
#include "wallet/disk/files.hpp"

namespace micro {
namespace {

namespace asio = boost::asio;
constexpr std::string_view kTokenFile = "http.token";
constexpr std::string_view kGenerationFile = "payments.generation";
constexpr std::size_t kMaxTokenBytes = 128;

/// Made once; whoever can read the file may let the gateway pay.
Result<std::string> load_or_make_token(const std::filesystem::path& file, Random& random) {
  if (!std::filesystem::exists(file)) {
    TRY(write_file_durably(file, as_bytes(random.draw<Hash>().hex()), IfPresent::kRefuse));
  }
  TRY(check_private(file));
  const Bytes raw = TRY(read_file(file, kMaxTokenBytes));
  return std::string(as_text(raw));
}

bool changes_services(const Event& event) {
  return !std::holds_alternative<event::Transferred>(event) && !std::holds_alternative<event::LotRefreshed>(event) &&
         !std::holds_alternative<event::Claimed>(event) && !std::holds_alternative<event::ChannelOpened>(event) &&
         !std::holds_alternative<event::ChannelToppedUp>(event);
}

std::optional<ChannelId> channel_of(const Event& event) {
  return std::visit(
      [](const auto& e) -> std::optional<ChannelId> {
        if constexpr (requires { e.channel; }) return e.channel;
        return std::nullopt;
      },
      event);
}

}  // namespace

Result<std::unique_ptr<Node>> Node::open(NodeConfig config) {
  std::unique_ptr<Node> node(new Node(std::move(config)));
  TRY(node->open_parts());
  return node;
}

Status Node::open_parts() {
  TRY(make_private_folder(config_.data_dir));
  lock_.emplace(TRY(ProcessLock::take(config_.data_dir / "lock", "another node uses " + config_.data_dir.string())));
  keys_ = TRY(load_or_make_keys(config_.data_dir, random_));
  token_ = TRY(load_or_make_token(config_.data_dir / kTokenFile, random_));
  started_ = clock_.wall();
  engine_ = tagged_hash(domain::kEngineConfig, as_bytes(WasmPolicy::configuration()));
  genesis_ = TRY(load_or_make_genesis(config_, *keys_, engine_, started_));
  if (genesis_.engine != engine_) {
    return fail(Fault::kMismatch,
                "this network meters with another engine version or configuration than this program has",
                "run the version of micro that the network uses");
  }
  chain_ = chain_id(genesis_);
  policy_ = TRY(WasmPolicy::create());
  const LedgerConfig ledger{config_.data_dir, std::uint64_t{config_.journal_kib} << 10,
                            std::uint64_t{config_.proofs_mib} << 20, kDefaultVoteLogBytes};
  const LedgerKeys signers{keys_->consensus, keys_->node.public_key(), keys_->operating};
  ledger_ = TRY(LedgerService::open(ledger, genesis_, signers, *policy_));
  RuntimeConfig runtime{config_.cache_dir, chain_, keys_->node, config_.worker_processes, config_.build_threads, {}};
  runtime.sources = {genesis_.params.allow_local_sources, genesis_.params.allow_local_sources};
  RuntimePorts ports;
  ports.attest = [this](const AttestBuild& a, std::function<void(Status)> done) { attest(a, std::move(done)); };
  ports.self = [this] { return self_; };
  ports.log = [](const std::string& text) { spdlog::info("worker: {}", text); };
  runtime_ = TRY(ServiceRuntime::open(io_, std::move(runtime), std::move(ports), logs_));
  TRY(open_payments());
  add_methods();
  FrontHandlers handlers;
  handlers.call = [this](ServiceCall&& call, HttpResponder r) { handle_call(std::move(call), std::move(r)); };
  handlers.rpc = [this](const HttpRequest& request, HttpResponder r) { methods_.handle(request, std::move(r)); };
  handlers.follow_logs = [this](const HttpRequest& request, HttpResponder r) { follow_logs(request, std::move(r)); };
  handlers.ready = [this] { return directory_.has_value(); };
  front_ = std::make_unique<HttpFront>(std::move(handlers), token_);
  server_ = std::make_unique<HttpServer>(
      io_, [this](HttpRequest&& request, HttpResponder r) { front_->handle(std::move(request), std::move(r)); });
  return {};
}

Status Node::open_payments() {
  books_ = TRY(open_payment_books(config_.data_dir / "payments"));
  const auto file = config_.data_dir / kGenerationFile;
  std::uint64_t noted = 0;
  if (const auto raw = read_file(file, 32)) noted = TRY(decode<std::uint64_t>(*raw));
  PayConfig config{config_.data_dir, chain_,      genesis_.kind,      genesis_.params,
                   engine_,          keys_->node, keys_->call_secret, keys_->operating};
  PayPorts ports;
  ports.submit = [this](const SignedTx& tx) { return ledger_->submit(tx); };
  ports.wait_final = [this](const TxId& id, std::uint64_t timeout_ms, std::function<void(Result<TxReceipt>)> done) {
    ledger_->wait_final(id, timeout_ms, [done = std::move(done)](const Result<StoredTx>& stored) {
      done(stored ? Result<TxReceipt>(stored->receipt) : std::unexpected(stored.error()));
    });
  };
  ports.next_nonce = [this](const Address& a) { return ledger_->ledger().pending_nonce(a); };
  ports.height = [this] { return ledger_->height(); };
  ports.channel = [this](const ChannelId& id) {
    return ledger_->ledger().read([&](const StateView& state, const Header&) { return read_channel(state, id); });
  };
  ports.run = [this](payment::Run run, std::function<void(payment::Event)> done) {
    asio::post(io_, [this, run = std::move(run), done = std::move(done)] { run_paid(run, done); });
  };
  ports.warn = [](const std::string& text) { spdlog::warn("{}", text); };
  desk_ = TRY(PayDesk::open(std::move(config), std::move(ports), *books_, noted, ledger_->height(), random_));
  // The books carry the generation they were opened with; it is noted beside them afterwards.
  const auto meta_bytes = TRY(books_->get(payment::meta_key()));
  if (meta_bytes) {
    const auto meta = TRY(decode<payment::StoreMeta>(*meta_bytes));
    TRY(write_file_durably(file, encode(meta.generation), IfPresent::kReplace));
  }
  return {};
}

Node::~Node() {
  if (server_) server_->stop();
  if (ledger_) ledger_->stop();
  if (desk_) desk_->stop();
  if (runtime_) runtime_->stop();
}

Status Node::listen() {
  auto port = server_->listen_loopback(config_.http_host, config_.http_port);
  if (!port && port.error().fault == Fault::kBusy) {
    port.error().hint = "name a free one with --http 127.0.0.1:PORT; port 0 is any";
  }
  http_port_ = TRY(std::move(port));
  TRY(server_->listen_unix(config_.socket_path));
  return {};
}

Status Node::run(std::function<void()> ready) {
  TRY(runtime_->start());
  desk_->start();
  ledger_->start([this](const FinalizedBlock& block) { on_finalized(block); },
                 [this](const Error& error) {
                   asio::post(io_, [this, error] {
                     failure_ = error;
                     io_.stop();
                   });
                 });
  asio::post(io_, [this, ready = std::move(ready)] {
    refresh({}, clock_.wall());
    if (config_.dev) return set_up_dev(ready);
    ready();
  });
  const auto guard = asio::make_work_guard(io_);
  io_.run();
  server_->stop();
  ledger_->stop();
  desk_->stop();
  runtime_->stop();
  if (failure_) return std::unexpected(*failure_);
  return {};
}

void Node::stop() {
  io_.stop();
}

// --- what was finalized ---

void Node::on_finalized(const FinalizedBlock& block) {
  std::vector<Event> events(block.receipts.boundary_events.begin(), block.receipts.boundary_events.end());
  for (const TxReceipt& receipt : block.receipts.receipts) {
    for (const Event& event : receipt.events) {
      if (!std::holds_alternative<event::Transferred>(event)) events.push_back(event);
    }
  }
  asio::post(io_, [this, events = std::move(events), time = block.block.header.time] { refresh(events, time); });
}

void Node::find_self(const StateView& state) {
  if (self_) return;
  const auto found = read_record<NodeId>(state, path::node_key(keys_->node.public_key()));
  if (!found || !*found) return;
  self_ = **found;
  directory_.reset();
  desk_->host_is(*self_);
}

void Node::refresh(const std::vector<Event>& events, TimeMs time) {
  const bool services = !directory_ || std::ranges::any_of(events, changes_services);
  const Status done = ledger_->ledger().read([&](const StateView& state, const Header&) -> Status {
    const auto clock = TRY(read_record<EpochClock>(state, path::epoch_clock()));
    epoch_ = clock->epoch;
    find_self(state);
    if (!directory_) {
      directory_.emplace(self_.value_or(NodeId{}));
      TRY(directory_->load(state, epoch_));
    } else {
      TRY(directory_->apply(state, events, epoch_));
    }
    desk_->tip({epoch_, time, genesis_.params.price_per_mgas});
    if (!self_) return {};
    if (services) runtime_->update(TRY(wanted_here(state, epoch_, *self_)));
    tell_channels(state, events);
    tell_leaving(state);
    return {};
  });
  if (done) return;
  failure_ = done.error();
  io_.stop();
}

void Node::tell_channels(const StateView& state, const std::vector<Event>& events) {
  std::vector<payment::ChannelSeen> seen;
  std::vector<ChannelId> gone;
  const bool ends_moved = std::ranges::any_of(events, [](const Event& e) {
    return std::holds_alternative<event::Drained>(e) || std::holds_alternative<event::OfferWithdrawn>(e) ||
           std::holds_alternative<event::Placed>(e);
  });
  const bool all = !all_channels_told_ || ends_moved;
  if (all) {
    auto channels = channels_of_host(state, *self_);
    if (!channels) return spdlog::error("channels: {}", channels.error().message);
    for (OpenedChannel& c : *channels) seen.push_back({std::move(c.record), c.end_eff});
  }
  for (const Event& event : events) {
    const auto id = channel_of(event);
    if (!id) continue;
    auto channel = read_channel(state, *id);
    if (!channel) continue;
    if (!*channel) {
      gone.push_back(*id);
    } else if (!all && (*channel)->record.host == *self_) {
      seen.push_back({std::move((*channel)->record), (*channel)->end_eff});
    }
  }
  const bool first = !std::exchange(all_channels_told_, true);
  if (first || !seen.empty() || !gone.empty()) desk_->channels(std::move(seen), std::move(gone), first);
}

void Node::tell_leaving(const StateView& state) {
  const auto node = read_record<NodeRecord>(state, path::node(*self_));
  if (!node || !*node || !(*node)->offer) return;
  const auto offer = read_record<OfferRecord>(state, path::offer(*(*node)->offer));
  if (!offer || !*offer) return;
  const bool leaving = (*offer)->state != OfferState::kActive;
  if (leaving == std::exchange(leaving_, leaving)) return;
  desk_->leaving(leaving);
}

void Node::attest(const AttestBuild& attestation, std::function<void(Status)> done) {
  constexpr std::uint64_t kAttestationValidBlocks = 1'000;
  TxBody body;
  body.chain = chain_;
  body.sender = address_of(keys_->operating.public_key());
  body.nonce = ledger_->ledger().pending_nonce(body.sender);
  body.valid_until = Height(ledger_->height().value + kAttestationValidBlocks);
  body.max_fee = Amount(kMicroPerToken);
  body.payload = attestation;
  const auto sent = ledger_->submit(sign_tx(std::move(body), keys_->operating));
  if (!sent) return done(std::unexpected(sent.error()));
  ledger_->wait_final(*sent, kFinalWaitMs, [done = std::move(done)](const Result<StoredTx>& stored) {
    if (!stored) return done(std::unexpected(stored.error()));
    const TxStatus status = stored->receipt.status;
    if (status == TxStatus::kOk || status == TxStatus::kAlreadyAttested) return done({});
    done(fail(Fault::kRejected, std::string(tx_status_text(status))));
  });
}

}  // namespace micro
