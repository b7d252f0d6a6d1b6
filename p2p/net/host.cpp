#include "p2p/net/host.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>

#include "p2p/aio/spawn.hpp"
#include "p2p/net/dialer.hpp"
#include "p2p/net/lanes.hpp"
#include "p2p/net/own_protocols.hpp"

namespace micro::p2p {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

constexpr std::uint64_t kAcceptPauseMs = 100;  // after a failure: usually no descriptor is free

// Until somebody brings an address book.
class NoAddresses final : public AddressSource {
  std::optional<PeerAddress> pick(const std::function<bool(const PeerAddress&)>& /*passes*/) override {
    return std::nullopt;
  }
  void tried(const PeerAddress& /*address*/, bool /*worked*/, Instant /*now*/) override {}
};

}  // namespace

class Host::Impl final : public SessionOwner, public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, HostConfig config, const Clock& clock, Random& random)
      : io_(io),
        config_(std::move(config)),
        clock_(clock),
        random_(random),
        static_keys_(DhKeys::generate(random)),
        static_proof_(prove_static_key(config_.key, static_keys_.public_key)),
        gater_(config_.gater),
        manager_(config_.slots, config_.key.peer_id(), random),
        budgets_(config_.budgets),
        manage_timer_(io) {}

  // --- what sessions tell ---

  [[nodiscard]] Instant now() const override { return clock_.now(); }

  void secured(const std::shared_ptr<Session>& session) override {
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) return;
    Entry& entry = found->second;
    entry.secured = true;
    if (entry.gated) gater_.secured(*entry.gated);
    if (const Status status = gater_.may_talk(session->peer(), now()); !status) return session->close(status.error());
    const auto direction = session->dialed() ? Direction::kOutbound : Direction::kInbound;
    const auto also = manager_.connected(entry.id, {session->peer(), entry.address}, direction, *source_, now());
    if (!also) return session->close(also.error());
    for (const ManagerEffect& effect : *also) close(effect.connection, effect.reason);
    spawn(io_, ask_identify(session));
  }

  void closed(const std::shared_ptr<Session>& session) override {
    const auto node = sessions_.extract(session);
    if (node.empty()) return;
    const Entry& entry = node.mapped();
    if (entry.gated) gater_.closed(*entry.gated, entry.secured);
    if (!entry.secured) return;
    manager_.add_bytes(session->peer(), session->bytes_read(), session->bytes_written());
    for (const ManagerEffect& also : manager_.disconnected(entry.id, session->close_reason(), now())) {
      close(also.connection, also.reason);
    }
    if (secured_with(session->peer()).empty()) lanes_->gone(session->peer());
    if (session->close_reason().fault == Fault::kInvalid) gater_.ban(session->peer(), now());  // of what it sent
  }

  void inbound(Stream stream) override {
    const auto found = handlers_.find(stream.protocol());
    if (found == handlers_.end()) return;
    stream.set_class(found->second.of);
    spawn(io_, found->second.run(std::move(stream)));
  }

  void identified(const Session& session) override {
    manager_.on_identified(session.peer(), session.identify()->agent_version);
    const auto found = std::ranges::find_if(sessions_, [&](const auto& one) { return one.first.get() == &session; });
    if (found == sessions_.end()) return;
    const auto shared = found->first;
    for (const auto& watcher : watchers_) watcher(shared);
  }

  void on_identified(std::function<void(const std::shared_ptr<Session>&)> watcher) {
    watchers_.push_back(std::move(watcher));
  }

  void swept(const std::shared_ptr<Session>& session) override {
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) return;
    manager_.on_round_trip(found->second.id, session->round_trip_ns());
    lanes_->swept(*session);
  }

  Instant charge(const Session& session, Spending spent) override {
    const PeerId peer = session.secured() ? session.peer() : PeerId();
    budgets_.charge(peer, spent, now());
    return budgets_.peer_ready_at(peer, manager_.is_protected(peer), now());
  }

  Instant charge_protocol(const Session& session, std::string_view protocol, Spending spent) override {
    budgets_.charge_protocol(protocol, spent, now());
    return budgets_.protocol_ready_at(protocol, session.peer(), manager_.is_protected(session.peer()), now());
  }

  void urgent_moved(const Session& session) override { turns_.urgent(session.number(), now()); }
  [[nodiscard]] std::size_t turn_bytes(const Session& session) const override {
    return turns_.bytes(session.number(), now());
  }

  // --- protocols ---

  void handle(std::string protocol, StreamHandler handler, StreamClass of) {
    protocols_.insert(protocol);
    handlers_[std::move(protocol)] = {std::move(handler), of};
  }

  void handle_own() {
    const std::weak_ptr<Impl> weak = weak_from_this();
    const auto own = [&](std::string_view protocol, StreamHandler handler) {
      handle(std::string(protocol), std::move(handler), StreamClass::kInteractive);
    };
    own(kPingProtocol, echo_pings);
    own(kIdentifyPushProtocol, learn_from);
    own(kIdentifyProtocol, [weak](Stream stream) { return tell_identify(weak, std::move(stream)); });
    lanes_ = std::make_shared<Lanes>(
        Lanes::Ports{.self = config_.key.peer_id(),
                     .executor = io_.get_executor(),
                     .connections = [this](const PeerId& peer) { return secured_with(peer); },
                     .dial = [this](const PeerId& peer,
                                    const Multiaddr& address) { return dial(shared_from_this(), peer, {address}); },
                     .now = [this] { return now(); }});
    if (!config_.second_connection) return;
    own(kLaneProtocol,
        [lanes = std::weak_ptr(lanes_)](Stream stream) { return Lanes::serve(lanes, std::move(stream)); });
  }

  // --- streams ---

  [[nodiscard]] std::vector<std::shared_ptr<Session>> secured_with(const PeerId& peer) const {
    std::map<ConnectionId, std::shared_ptr<Session>> found;
    for (const auto& [session, entry] : sessions_) {
      if (entry.secured && session->is_open() && session->peer() == peer) found[entry.id] = session;
    }
    std::vector<std::shared_ptr<Session>> out;
    for (auto& [id, session] : found) out.push_back(std::move(session));
    return out;
  }

  [[nodiscard]] std::shared_ptr<Session> session_with(const PeerId& peer, StreamClass of) const {
    return lanes_->pick(peer, of);
  }

  static Task<Result<Stream>> open(std::shared_ptr<Impl> self, PeerId peer, std::vector<std::string> protocols,
                                   StreamClass of) {
    if (of == StreamClass::kBulk && self->config_.second_connection) co_await Lanes::ensure_bulk(self->lanes_, peer);
    const auto session = self->lanes_->pick(peer, of);
    if (!session) co_return fail(Fault::kUnreachable, "not connected to this peer");
    co_return co_await session->open(std::move(protocols), of);
  }

  static Task<void> tell_identify(std::weak_ptr<Impl> weak, Stream stream) {
    const auto self = weak.lock();
    if (!self) co_return;
    const Bytes message = self->identify_for(*stream.session());
    if (co_await stream.write(message)) stream.finish();
    std::uint8_t end = 0;
    (void)co_await stream.read(std::span(&end, 1));  // the other side finishes too, and nothing is cut off
  }

  static Task<void> push_to(std::shared_ptr<Session> session, Bytes message) {
    auto stream = co_await session->open({std::string(kIdentifyPushProtocol)});
    if (!stream) co_return;
    if (co_await stream->write(message)) stream->finish();
    std::uint8_t end = 0;
    (void)co_await stream->read(std::span(&end, 1));
  }

  void push_identify() {
    for (const auto& [session, entry] : sessions_) {
      const auto& said = session->identify();
      if (!said || std::ranges::find(said->protocols, kIdentifyPushProtocol) == said->protocols.end()) continue;
      spawn(io_, push_to(session, identify_for(*session)));
    }
  }

  Bytes identify_for(const Session& session) {
    Identify out;
    out.public_key = config_.key.public_key();
    out.listen_addresses = addresses_;
    out.protocols.assign(protocols_.begin(), protocols_.end());
    if (!session.remote_address().empty()) out.observed_address = session.remote_address();
    out.protocol_version = config_.protocol_version;
    out.agent_version = config_.agent;
    out.signed_peer_record = own_record();
    return out.encode_with_length();
  }

  // Sealed once, until there are other addresses. Of two records peers keep the one with the larger number, also after
  // a restart of ours.
  const Bytes& own_record() {
    if (record_.empty()) {
      record_sequence_ = std::max(record_sequence_ + 1, clock_.wall().value);
      const PeerRecord record{.peer = config_.key.peer_id(), .sequence = record_sequence_, .addresses = addresses_};
      record_ = record.seal(config_.key);
    }
    return record_;
  }

  // --- connections ---

  struct Entry {
    ConnectionId id = 0;
    Multiaddr address;               // as dialed, or as it came
    std::optional<IpAddress> gated;  // of one that the gater let in
    bool secured = false;
  };

  std::shared_ptr<Session> begin(Tcp::socket socket, Role role, std::optional<PeerId> expected, Entry entry) {
    NoiseConfig noise{.role = role,
                      .identity = config_.key,
                      .static_keys = static_keys_,
                      .ephemeral = DhKeys::generate(random_),
                      .expected_peer = std::move(expected),
                      .muxers = {},
                      .static_proof = static_proof_};
    if (config_.muxer_in_handshake) noise.muxers = {std::string(kYamuxProtocol)};
    auto session = std::make_shared<Session>(weak_from_this(), std::move(socket), std::move(noise), protocols_, pool_);
    entry.id = ++connections_;
    session->set_number(entry.id);
    sessions_.emplace(session, std::move(entry));
    session->start();
    return session;
  }

  void close(ConnectionId id, const std::string& reason) {
    const auto found = std::ranges::find_if(sessions_, [&](const auto& one) { return one.second.id == id; });
    if (found == sessions_.end()) return;
    const auto session = found->first;
    session->close({.fault = Fault::kBusy, .message = reason});
  }

  // A refused one is closed without a word: every byte of an answer would be paid by us.
  void accepted(Tcp::socket socket) {
    error_code error;
    const auto endpoint = socket.remote_endpoint(error);
    if (error) return;
    const auto address = Multiaddr::tcp(endpoint.address().to_string(), endpoint.port());
    const auto ip = address ? IpAddress::of(*address) : std::nullopt;
    if (!ip || !gater_.accept(*ip, now())) return;
    begin(std::move(socket), Role::kResponder, std::nullopt, {.address = *address, .gated = *ip});
  }

  Result<Multiaddr> listen(const Multiaddr& address) {
    const auto target = address.tcp_target();
    error_code error;
    const auto ip = asio::ip::make_address(target ? target->host : std::string(), error);
    if (error) return fail(Fault::kInvalid, "cannot listen on " + address.text(), "name it as /ip4/…/tcp/… or /ip6/…");
    const auto acceptor = std::make_shared<Tcp::acceptor>(io_);
    const Tcp::endpoint endpoint(ip, target->port);
    acceptor->open(endpoint.protocol(), error);
    if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
    if (!error && ip.is_v6()) acceptor->set_option(asio::ip::v6_only(true), error);
    if (!error) acceptor->bind(endpoint, error);
    if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
    if (error) return fail(Fault::kIo, "cannot listen on " + address.text() + ": " + error.message());
    auto bound = TRY(Multiaddr::tcp(target->host, acceptor->local_endpoint().port()));
    addresses_.push_back(bound);
    record_.clear();
    acceptors_.push_back(acceptor);
    accept(acceptor);
    return bound.with_peer(config_.key.peer_id());
  }

  void accept(const std::shared_ptr<Tcp::acceptor>& acceptor) {
    acceptor->async_accept([weak = weak_from_this(), acceptor](const error_code& error, Tcp::socket socket) {
      const auto self = weak.lock();
      if (!self || self->stopped_) return;
      if (error) return self->accept_later(acceptor);
      self->accepted(std::move(socket));
      self->accept(acceptor);
    });
  }

  void accept_later(const std::shared_ptr<Tcp::acceptor>& acceptor) {
    const auto timer = std::make_shared<asio::steady_timer>(io_, std::chrono::milliseconds(kAcceptPauseMs));
    timer->async_wait([weak = weak_from_this(), acceptor, timer](const error_code&) {
      const auto self = weak.lock();
      if (self && !self->stopped_) self->accept(acceptor);
    });
  }

  void stop() {
    stopped_ = true;
    source_ = &no_addresses_;  // its own may go now, and dials of the manager's are not over yet
    lanes_->stop();
    manage_timer_.cancel();
    error_code ignored;
    for (const auto& acceptor : acceptors_) acceptor->close(ignored);
    acceptors_.clear();
    const auto all = std::exchange(sessions_, {});
    for (const auto& [session, entry] : all)
      session->close({.fault = Fault::kInterrupted, .message = "the node stops"});
  }

  // All that these addresses stand for and the gater lets us dial; which one each came from.
  struct Targets {
    std::vector<Multiaddr> numeric;
    std::vector<Multiaddr> named;
  };
  static Task<Result<Targets>> targets_of(std::shared_ptr<Impl> self, std::vector<Multiaddr> addresses) {
    Targets out;
    Error last{.fault = Fault::kInvalid, .message = "no address to dial"};
    for (const Multiaddr& address : addresses) {
      const auto found = co_await resolve(&self->io_, address);
      if (!found) {
        last = found.error();
        continue;
      }
      for (const Multiaddr& one : *found) {
        if (const Status status = self->gater_.may_dial(one, self->now()); !status) {
          last = status.error();
          continue;
        }
        out.numeric.push_back(one);
        out.named.push_back(address.without_peer());
      }
    }
    if (out.numeric.empty()) co_return std::unexpected(last);
    co_return out;
  }

  static Task<Result<std::shared_ptr<Session>>> dial(std::shared_ptr<Impl> self, std::optional<PeerId> peer,
                                                     std::vector<Multiaddr> addresses) {
    const auto targets = co_await targets_of(self, addresses);
    if (!targets) co_return std::unexpected(targets.error());
    auto dialed = co_await connect_first(&self->io_, &self->clock_, targets->numeric);
    if (!dialed) {
      co_return fail(Fault::kUnreachable, "cannot connect to " + addresses[0].text() + ": " + dialed.error().message);
    }
    if (self->stopped_) co_return fail(Fault::kInterrupted, "the node stops");
    const auto session = self->begin(std::move(dialed->socket), Role::kInitiator, std::move(peer),
                                     {.address = targets->named[dialed->address], .gated = {}});
    const Status secured = co_await session->wait_secured();
    if (!secured) co_return std::unexpected(secured.error());
    co_return session;
  }

  // A dial that others may join. It is over when its owner lets go, also where that one was cancelled.
  struct Dialing {
    Dialing(const asio::any_io_executor& executor, const std::vector<Multiaddr>& to) : addresses(to), over(executor) {}
    std::vector<Multiaddr> addresses;
    Signal over;
    bool is_over = false;
    std::optional<Result<std::shared_ptr<Session>>> outcome = {};
  };
  struct DialOwner {
    DialOwner(std::shared_ptr<Impl> of, const PeerId& peer, const std::vector<Multiaddr>& to)
        : self(std::move(of)), id(peer), dialing(std::make_shared<Dialing>(self->io_.get_executor(), to)) {
      self->dialing_[id] = dialing;
    }
    DialOwner(const DialOwner&) = delete;
    DialOwner& operator=(const DialOwner&) = delete;
    ~DialOwner() {
      self->dialing_.erase(id);
      dialing->is_over = true;
      dialing->over.notify();
    }
    std::shared_ptr<Impl> self;
    PeerId id;
    std::shared_ptr<Dialing> dialing;
  };

  static Task<Result<std::shared_ptr<Session>>> dial_once(std::shared_ptr<Impl> self, PeerId peer,
                                                          std::vector<Multiaddr> addresses) {
    while (const auto dialing = self->find_dialing(peer)) {
      while (!dialing->is_over) co_await dialing->over.wait();
      if (self->stopped_) co_return fail(Fault::kInterrupted, "the node stops");
      if (!dialing->outcome) continue;  // it was cancelled
      if (dialing->outcome->has_value()) co_return *dialing->outcome;
      const auto was_tried = [&](const Multiaddr& one) {
        return std::ranges::find(dialing->addresses, one) != dialing->addresses.end();
      };
      if (dialing->outcome->error().fault == Fault::kUnreachable && std::ranges::all_of(addresses, was_tried)) {
        co_return *dialing->outcome;
      }
    }
    const DialOwner owner(self, peer, addresses);
    owner.dialing->outcome = co_await dial(self, peer, std::move(addresses));
    co_return *owner.dialing->outcome;
  }

  [[nodiscard]] std::shared_ptr<Dialing> find_dialing(const PeerId& peer) const {
    const auto found = dialing_.find(peer);
    return found == dialing_.end() ? nullptr : found->second;
  }

  // --- the manager's dials ---

  void manage(AddressSource& source) {
    source_ = &source;
    asio::post(io_, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && !self->stopped_) self->manage_now();
    });
    manage_soon();
  }

  void manage_soon() {
    manage_timer_.expires_after(std::chrono::milliseconds(kManageMs));
    manage_timer_.async_wait([weak = weak_from_this()](const error_code& error) {
      const auto self = weak.lock();
      if (error || !self || self->stopped_) return;
      self->manage_now();
      self->manage_soon();
    });
  }

  void manage_now() {
    const auto may_dial = [this](const Multiaddr& address) { return gater_.may_dial(address, now()).has_value(); };
    for (const ManagerEffect& effect : manager_.step(*source_, may_dial, now())) {
      if (effect.kind == ManagerEffect::Kind::kDial) {
        spawn(io_, dial_for_manager(shared_from_this(), effect.peer, effect.addresses));
      } else {
        close(effect.connection, effect.reason);
      }
    }
  }

  static Task<void> dial_for_manager(std::shared_ptr<Impl> self, PeerId peer, std::vector<Multiaddr> addresses) {
    const auto session = co_await dial_once(self, peer, std::move(addresses));
    if (session)
      self->manager_.dial_joined(peer);
    else
      self->manager_.dial_failed(peer, *self->source_, self->now());
  }

  [[nodiscard]] std::vector<ConnectionView> connection_views() const {
    auto out = manager_.connections(now());
    for (ConnectionView& view : out) {
      for (const auto& [session, entry] : sessions_) {
        if (entry.id == view.connection) session->fill(view);
      }
    }
    return out;
  }
  Manager& manager() { return manager_; }
  Gater& gater() { return gater_; }

  [[nodiscard]] const PeerId& peer() const { return config_.key.peer_id(); }
  [[nodiscard]] std::vector<std::shared_ptr<Session>> sessions() const {
    std::vector<std::shared_ptr<Session>> out;
    for (const auto& [session, entry] : sessions_) out.push_back(session);
    return out;
  }

 private:
  asio::io_context& io_;
  HostConfig config_;
  const Clock& clock_;
  Random& random_;
  DhKeys static_keys_;
  Ed25519Signature static_proof_;
  ProtocolSet protocols_;
  std::shared_ptr<MemoryPool> pool_ = std::make_shared<MemoryPool>();  // sessions may outlive the host
  struct Handler {
    StreamHandler run;
    StreamClass of{};
  };
  std::map<std::string, Handler, std::less<>> handlers_;
  std::vector<std::function<void(const std::shared_ptr<Session>&)>> watchers_;
  std::shared_ptr<Lanes> lanes_;
  std::map<std::shared_ptr<Session>, Entry> sessions_;
  std::map<PeerId, std::shared_ptr<Dialing>> dialing_;
  Turns turns_;
  ConnectionId connections_ = 0;
  Gater gater_;
  Manager manager_;
  Budgets budgets_;
  NoAddresses no_addresses_;
  AddressSource* source_ = &no_addresses_;
  asio::steady_timer manage_timer_;
  std::vector<std::shared_ptr<Tcp::acceptor>> acceptors_;
  std::vector<Multiaddr> addresses_;
  std::uint64_t record_sequence_ = 0;
  Bytes record_;  // ours, sealed; empty: to be made
  bool stopped_ = false;
};

Host::Host(asio::io_context& io, HostConfig config, const Clock& clock, Random& random)
    : impl_(std::make_shared<Impl>(io, std::move(config), clock, random)) {
  impl_->handle_own();
}

Host::~Host() {
  stop();
}

Result<Multiaddr> Host::listen(const Multiaddr& address) {
  return impl_->listen(address);
}
Task<Result<std::shared_ptr<Session>>> Host::dial(Multiaddr address) {
  const auto target = address.tcp_target();
  return Impl::dial(impl_, target ? target->peer : std::nullopt, {std::move(address)});
}
Task<Result<std::shared_ptr<Session>>> Host::dial(PeerId peer, std::vector<Multiaddr> addresses) {
  return Impl::dial_once(impl_, peer, std::move(addresses));
}
void Host::manage(AddressSource& addresses) {
  impl_->manage(addresses);
}
Manager& Host::manager() {
  return impl_->manager();
}
Gater& Host::gater() {
  return impl_->gater();
}
std::vector<ConnectionView> Host::connection_views() const {
  return impl_->connection_views();
}
std::vector<PeerView> Host::peer_views() const {
  return impl_->manager().peers();
}
void Host::handle(std::string protocol, StreamHandler handler, StreamClass of) {
  impl_->handle(std::move(protocol), std::move(handler), of);
}
Task<Result<Stream>> Host::open(PeerId peer, std::vector<std::string> protocols, StreamClass of) {
  return Impl::open(impl_, peer, std::move(protocols), of);
}
std::shared_ptr<Session> Host::session_with(const PeerId& peer, StreamClass of) const {
  return impl_->session_with(peer, of);
}
void Host::on_identified(std::function<void(const std::shared_ptr<Session>&)> watcher) {
  impl_->on_identified(std::move(watcher));
}
void Host::push_identify() {
  impl_->push_identify();
}
void Host::stop() {
  impl_->stop();
}
const PeerId& Host::peer() const {
  return impl_->peer();
}
std::vector<std::shared_ptr<Session>> Host::sessions() const {
  return impl_->sessions();
}

}  // namespace micro::p2p
