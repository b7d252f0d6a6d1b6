#include "p2p/net/host.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include "p2p/wire/varint.hpp"

namespace micro::p2p {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

constexpr std::size_t kPingBytes = 32;
constexpr std::uint64_t kAcceptPauseMs = 100;  // after a failure: usually no descriptor is free

// Whatever ends a coroutine, its holders have let go: there is nobody to tell.
void spawn(const asio::any_io_executor& executor, Task<void> task) {
  asio::co_spawn(executor, std::move(task), [](const std::exception_ptr&) {});
}

Task<void> echo_pings(Stream stream) {
  std::array<std::uint8_t, kPingBytes> bytes;
  while (true) {
    if (!co_await stream.read_exactly(bytes)) break;
    if (!co_await stream.write(bytes)) break;
  }
  stream.finish();
}

Bytes with_length(const Bytes& message) {
  Bytes out;
  append_varint(out, message.size());
  append_bytes(out, message);
  return out;
}

// Messages behind their lengths until the end, merged.
Result<Identify> merge_messages(ByteView bytes) {
  Identify merged;
  for (std::size_t messages = 0; !bytes.empty(); ++messages) {
    if (messages == kMaxIdentifyMessages) return fail(Fault::kLimit, "too many identify messages");
    const VarintRead length = TRY(read_whole_varint(bytes));
    bytes = bytes.subspan(length.bytes);
    if (length.value > bytes.size()) return fail(Fault::kInvalid, "an identify message is cut off");
    merged.merge(TRY(Identify::decode(bytes.first(static_cast<std::size_t>(length.value)))));
    bytes = bytes.subspan(static_cast<std::size_t>(length.value));
  }
  return merged;
}

Task<void> learn_from(Stream stream) {
  const auto bytes = co_await stream.read_all(kMaxIdentifyMessages * (kMaxIdentifyMessageBytes + kMaxVarintBytes));
  stream.finish();
  if (!bytes) co_return;
  auto said = merge_messages(*bytes);
  // A peer may not speak for another key than the one the channel proved.
  if (!said || (said->public_key && *said->public_key != stream.session()->connection().remote_key())) {
    stream.session()->close({.fault = Fault::kInvalid, .message = "a bad identify message"});
    co_return;
  }
  stream.session()->learned(std::move(*said));
}

Task<void> ask_identify(std::shared_ptr<Session> session) {
  auto stream = co_await session->open({std::string(kIdentifyProtocol)});
  if (stream) co_await learn_from(std::move(*stream));
}

}  // namespace

class Host::Impl final : public SessionOwner, public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, HostConfig config, const Clock& clock, Random& random)
      : io_(io), config_(std::move(config)), clock_(clock), random_(random), static_keys_(DhKeys::generate(random)) {}

  [[nodiscard]] Instant now() const override { return clock_.now(); }
  void secured(const std::shared_ptr<Session>& session) override { spawn(io_.get_executor(), ask_identify(session)); }
  void closed(const std::shared_ptr<Session>& session) override { sessions_.erase(session); }
  void inbound(Stream stream) override {
    const auto found = handlers_.find(stream.protocol());
    if (found != handlers_.end()) spawn(io_.get_executor(), found->second(std::move(stream)));
  }

  void handle(std::string protocol, StreamHandler handler) {
    protocols_.insert(protocol);
    handlers_[std::move(protocol)] = std::move(handler);
  }

  void handle_own() {
    const std::weak_ptr<Impl> weak = weak_from_this();
    handle(std::string(kPingProtocol), echo_pings);
    handle(std::string(kIdentifyPushProtocol), learn_from);
    handle(std::string(kIdentifyProtocol), [weak](Stream stream) { return tell_identify(weak, std::move(stream)); });
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
    for (const auto& session : sessions_) {
      const auto& said = session->identify();
      if (!said || std::ranges::find(said->protocols, kIdentifyPushProtocol) == said->protocols.end()) continue;
      spawn(io_.get_executor(), push_to(session, identify_for(*session)));
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
    const PeerRecord record{.peer = config_.key.peer_id(), .sequence = ++record_sequence_, .addresses = addresses_};
    out.signed_peer_record = record.seal(config_.key);
    return with_length(out.encode());
  }

  std::shared_ptr<Session> begin(Tcp::socket socket, Role role, std::optional<PeerId> expected) {
    NoiseConfig noise{.role = role,
                      .identity = config_.key,
                      .static_keys = static_keys_,
                      .ephemeral = DhKeys::generate(random_),
                      .expected_peer = std::move(expected)};
    if (config_.muxer_in_handshake) noise.muxers = {std::string(kYamuxProtocol)};
    auto session = std::make_shared<Session>(weak_from_this(), std::move(socket), std::move(noise), protocols_, pool_);
    sessions_.insert(session);
    session->start();
    return session;
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
    acceptors_.push_back(acceptor);
    accept(acceptor);
    return bound.with_peer(config_.key.peer_id());
  }

  void accept(const std::shared_ptr<Tcp::acceptor>& acceptor) {
    acceptor->async_accept([weak = weak_from_this(), acceptor](const error_code& error, Tcp::socket socket) {
      const auto self = weak.lock();
      if (!self || self->stopped_) return;
      if (error) return self->accept_later(acceptor);
      self->begin(std::move(socket), Role::kResponder, std::nullopt);
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
    error_code ignored;
    for (const auto& acceptor : acceptors_) acceptor->close(ignored);
    acceptors_.clear();
    const auto all = std::exchange(sessions_, {});
    for (const auto& session : all) session->close({.fault = Fault::kInterrupted, .message = "the node stops"});
  }

  static Task<Result<std::shared_ptr<Session>>> dial(std::shared_ptr<Impl> self, Multiaddr address) {
    const auto target = address.tcp_target();
    if (!target) co_return fail(Fault::kInvalid, "not an address to dial: " + address.text());
    Tcp::resolver resolver(self->io_);
    const auto flags = target->kind == AddrCode::kIp4 || target->kind == AddrCode::kIp6
                           ? asio::ip::resolver_base::numeric_host
                           : asio::ip::resolver_base::flags();
    const auto [unknown, endpoints] =
        co_await resolver.async_resolve(target->host, std::to_string(target->port), flags, kAsTuple);
    if (unknown) co_return fail(Fault::kNotFound, "nobody knows " + target->host);
    error_code last = asio::error::host_not_found;
    for (const auto& entry : endpoints) {
      if (target->kind == AddrCode::kDns4 && !entry.endpoint().address().is_v4()) continue;
      if (target->kind == AddrCode::kDns6 && !entry.endpoint().address().is_v6()) continue;
      auto socket = std::make_shared<Tcp::socket>(self->io_);
      asio::steady_timer deadline(self->io_, std::chrono::milliseconds(kDialMs));
      deadline.async_wait([socket](const error_code& cancelled) {
        error_code ignored;
        if (!cancelled) socket->close(ignored);
      });
      const auto [failed] = co_await socket->async_connect(entry.endpoint(), kAsTuple);
      deadline.cancel();
      last = failed;
      if (failed) continue;
      if (self->stopped_) break;
      const auto session = self->begin(std::move(*socket), Role::kInitiator, target->peer);
      const Status secured = co_await session->wait_secured();
      if (!secured) co_return std::unexpected(secured.error());
      co_return session;
    }
    co_return fail(Fault::kUnreachable, "cannot connect to " + address.text() + ": " + last.message());
  }

  [[nodiscard]] const PeerId& peer() const { return config_.key.peer_id(); }
  [[nodiscard]] std::vector<std::shared_ptr<Session>> sessions() const { return {sessions_.begin(), sessions_.end()}; }

 private:
  asio::io_context& io_;
  HostConfig config_;
  const Clock& clock_;
  Random& random_;
  DhKeys static_keys_;
  ProtocolSet protocols_;
  std::shared_ptr<MemoryPool> pool_ = std::make_shared<MemoryPool>();  // sessions may outlive the host
  std::map<std::string, StreamHandler, std::less<>> handlers_;
  std::set<std::shared_ptr<Session>> sessions_;
  std::vector<std::shared_ptr<Tcp::acceptor>> acceptors_;
  std::vector<Multiaddr> addresses_;
  std::uint64_t record_sequence_ = 0;
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
  return Impl::dial(impl_, std::move(address));
}
void Host::handle(std::string protocol, StreamHandler handler) {
  impl_->handle(std::move(protocol), std::move(handler));
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

Task<Result<std::uint64_t>> ping(std::shared_ptr<Session> session, const Clock& clock, Random& random) {
  auto stream = co_await session->open({std::string(kPingProtocol)});
  if (!stream) co_return std::unexpected(stream.error());
  const Hash sent = random.draw<Hash>();
  Hash back;
  const Instant before = clock.now();
  if (const Status status = co_await stream->write(sent); !status) co_return std::unexpected(status.error());
  if (const Status status = co_await stream->read_exactly(back.data); !status)
    co_return std::unexpected(status.error());
  if (back != sent) co_return fail(Fault::kMismatch, "a ping came back changed");
  stream->finish();
  co_return clock.now().ns - before.ns;
}

}  // namespace micro::p2p
