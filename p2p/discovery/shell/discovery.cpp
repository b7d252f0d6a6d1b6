#include "p2p/discovery/shell/discovery.hpp"

#include <boost/asio/steady_timer.hpp>

#include "p2p/aio/spawn.hpp"
#include "p2p/discovery/exchange.hpp"
#include "p2p/discovery/seeds.hpp"
#include "p2p/discovery/shell/book_file.hpp"
#include "p2p/discovery/shell/messages.hpp"

namespace micro::p2p {

namespace asio = boost::asio;

namespace {

constexpr std::uint64_t kDiscoveryTickMs = 1'000;
constexpr std::uint64_t kPartMs = 5'000;
constexpr std::size_t kSeedsFromBook = 8;  // for the first search

bool speaks(const Identify& said, std::string_view protocol) {
  return std::ranges::find(said.protocols, protocol) != said.protocols.end();
}

// Until the other side has finished too: a stream that is let go earlier is reset, and what is on its way is lost.
Task<void> wait_for_end(Stream& stream) {
  std::uint8_t byte = 0;
  while (true) {
    const auto size = co_await stream.read(std::span(&byte, 1));
    if (!size || *size == 0) co_return;
  }
}

// What no peer may send ends the connection; the host remembers who it was.
void punish(Session& session, const Error& error) {
  if (error.fault != Fault::kInvalid && error.fault != Fault::kLimit) return;
  session.close({.fault = Fault::kInvalid, .message = error.message});
}

}  // namespace

class Discovery::Impl final : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, Host& host, DiscoveryConfig config, const Clock& clock, Random& random,
       TxtResolver* resolver)
      : io_(io),
        host_(host),
        config_(std::move(config)),
        clock_(clock),
        resolver_(resolver),
        book_(random, config_.kad.local_addresses),
        exchange_(book_),
        kad_(config_.kad, host.peer(), random),
        timer_(io),
        exchange_protocol_(network_protocol(config_.network, kExchangeProtocol)) {
    if (config_.kad_protocol.empty()) config_.kad_protocol = network_protocol(config_.network, kKadProtocol);
  }

  // --- life ---

  Status start() {
    Status out;
    if (!config_.book_file.empty()) {
      const auto loaded = load_book(book_, config_.book_file, config_.network, clock_.now(), clock_.wall());
      if (!loaded) out = std::unexpected(loaded.error());
    }
    host_.manager().set_anchors(book_.anchors());
    TRY(begin_somewhere());
    const std::weak_ptr<Impl> weak = weak_from_this();
    host_.handle(std::string(kHelloProtocol), [weak](Stream stream) { return serve_hello(weak, std::move(stream)); });
    host_.handle(exchange_protocol_, [weak](Stream stream) { return serve_exchange(weak, std::move(stream)); });
    if (config_.kad.is_server) {
      host_.handle(config_.kad_protocol, [weak](Stream stream) { return serve_kad(weak, std::move(stream)); });
    }
    host_.on_identified([weak](const std::shared_ptr<Session>& session) {
      const auto self = weak.lock();
      if (self && !self->stopped_) self->identified(session);
    });
    host_.manage(book_);
    saved_ = clock_.now();
    tick();
    return out;
  }

  Status begin_somewhere() {
    std::map<PeerId, std::vector<Multiaddr>> fixed;
    for (const PeerAddress& at : config_.static_peers) fixed[at.peer].push_back(at.address);
    for (auto& [peer, addresses] : fixed) {
      kad_.add_seed({peer, addresses});
      TRY(host_.manager().add_static(peer, std::move(addresses)));
    }
    for (const PeerAddress& at : config_.seeds) take_seed(at, at.address);
    for (std::size_t n = 0; n < kSeedsFromBook; ++n) {
      const auto at = book_.pick([](const PeerAddress&) { return true; });
      if (at) kad_.add_seed({at->peer, {at->address}});
    }
    ask_seeds(clock_.now());
    return {};
  }

  // A node may be there before its network is: while it knows nobody it asks again.
  void ask_seeds(Instant now) {
    if (resolver_ == nullptr || config_.seed_names.empty() || asks_seeds_) return;
    if (book_.size() >= kFewAddresses || !hellos_.empty()) return;
    if (seeds_asked_ && now < seeds_asked_->plus_ms(kAskSeedsMs)) return;
    seeds_asked_ = now;
    asks_seeds_ = true;
    spawn(io_, search_seeds(shared_from_this()));
  }

  void take_seed(const PeerAddress& at, const Multiaddr& teller) {
    book_.add(at, teller, clock_.now());
    kad_.add_seed({at.peer, {at.address}});
  }

  static Task<void> search_seeds(std::shared_ptr<Impl> self) {
    SeedSearch search(self->config_.seed_names);
    while (const auto name = search.next()) {
      const auto texts = co_await self->resolver_->texts(*name);
      if (self->stopped_) co_return;
      if (texts) search.on_texts(*name, *texts);
    }
    self->asks_seeds_ = false;
    for (const SeedSearch::Found& found : search.found()) self->take_seed(found.at, found.teller);
  }

  Status stop() {
    if (std::exchange(stopped_, true)) return {};
    timer_.cancel();
    for (const auto& [request, asking] : asking_) asking.stream->reset();
    for (const auto& [stream, since] : ending_) stream->reset();
    for (const auto& [lookup, waiter] : waiting_) waiter->changed.notify();
    return save();
  }

  Status save() {
    saved_ = clock_.now();
    if (config_.book_file.empty()) return {};
    book_.set_anchors(host_.manager().anchors());
    return save_book(book_, config_.book_file, config_.network, clock_.now(), clock_.wall());
  }

  void tick() {
    const Instant now = clock_.now();
    kad_.step(now);
    pump();
    for (const auto& [request, asking] : asking_) {
      if (now >= asking.since.plus_ms(kKadRequestMs)) asking.stream->reset();
    }
    for (const auto& [stream, since] : ending_) {
      if (now >= since.plus_ms(kKadRequestMs)) stream->reset();
    }
    forget_who_left();
    part(now);
    close_unused(now);
    ask_for_addresses(now);
    ask_seeds(now);
    if (now >= saved_.plus_ms(kSaveBookMs)) (void)save();  // the next one may succeed; the old file stands
    timer_.expires_after(std::chrono::milliseconds(kDiscoveryTickMs));
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self && !self->stopped_) self->tick();
    });
  }

  // --- who is there ---

  [[nodiscard]] std::shared_ptr<Session> session_with(const PeerId& peer) const {
    for (const auto& session : host_.sessions()) {
      if (session->is_open() && session->secured() && session->peer() == peer) return session;
    }
    return nullptr;
  }

  void forget_who_left() {
    std::set<PeerId> here;
    for (const auto& session : host_.sessions()) {
      if (session->secured()) here.insert(session->peer());
    }
    std::erase_if(hellos_, [&](const auto& entry) { return !here.contains(entry.first); });
    std::erase_if(told_, [&](const auto& entry) { return !here.contains(entry.first); });
    std::erase_if(searched_, [&](const auto& entry) { return !here.contains(entry.first); });
    std::erase_if(asked_, [&](const auto& entry) { return !here.contains(entry.first); });
    std::erase_if(greeted_, [](const auto& session) { return session.expired(); });
  }

  void part(Instant now) {
    std::erase_if(parting_, [&](const auto& entry) {
      if (now < entry.second) return false;
      const auto session = entry.first.lock();
      if (session) session->close({.fault = Fault::kMismatch, .message = "no hello of this network"});
      return true;
    });
  }

  void identified(const std::shared_ptr<Session>& session) {
    const Identify& said = *session->identify();
    if (speaks(said, config_.kad_protocol)) {
      kad_.on_server({session->peer(), said.listen_addresses}, clock_.now(), session->remote_address());
      pump();
    } else {
      kad_.on_client(session->peer());
    }
    if (hellos_.contains(session->peer())) learn_addresses(*session);
    // A stock peer does not say hello, and is left in peace.
    if (session->dialed() && speaks(said, kHelloProtocol) && greeted_.insert(session).second) {
      spawn(io_, greet(shared_from_this(), session));
    }
  }

  [[nodiscard]] Bytes own_hello() const {
    return encode(Hello{.network = config_.network,
                        .is_server = config_.kad.is_server,
                        .status = Blob<kMaxHelloStatusBytes>(ByteView(status_))});
  }

  static Task<void> greet(std::shared_ptr<Impl> self, std::shared_ptr<Session> session) {
    auto stream = co_await session->open({std::string(kHelloProtocol)});
    if (!stream) co_return;
    if (!co_await write_message(*stream, self->own_hello())) co_return;
    stream->finish();
    const auto said = co_await read_message(*stream, kMaxHelloBytes);
    if (!self->stopped_) self->heard_hello(session, said);
  }

  // The answer goes out even to a node of another network, so that it learns why the connection ends; it has a moment
  // to read it.
  static Task<void> serve_hello(std::weak_ptr<Impl> weak, Stream stream) {
    const auto said = co_await read_message(stream, kMaxHelloBytes);
    const auto self = weak.lock();
    if (!self || self->stopped_) co_return;
    const auto session = stream.session();
    self->parting_.emplace_back(session, self->clock_.now().plus_ms(kPartMs));
    if (co_await write_message(stream, self->own_hello())) stream.finish();
    if (said && *said && check_hello(self->config_.network, **said)) {
      std::erase_if(self->parting_, [&](const auto& entry) { return entry.first.lock() == session; });
    } else {
      co_await wait_for_end(stream);
    }
    if (!self->stopped_) self->heard_hello(session, said);
  }

  void heard_hello(const std::shared_ptr<Session>& session, const Result<std::optional<Bytes>>& said) {
    if (!said) return punish(*session, said.error());
    const auto hello = check_hello(config_.network, *said ? ByteView(**said) : ByteView());
    if (!hello) {
      book_.forget({session->peer(), session->remote_address()});
      kad_.forget(session->peer());
      if (hello.error().fault == Fault::kMismatch) return session->close(hello.error());
      return punish(*session, hello.error());
    }
    hellos_[session->peer()] = *hello;
    for (const auto& handler : hello_handlers_) handler(session->peer(), *hello);
    learn_addresses(*session);
    ask_for_addresses(clock_.now());
  }

  // Where a peer says that it listens; it is the teller of that, at the address that its connection has. It may say so
  // often, and each time something else: nobody fills the book with places of his own.
  void learn_addresses(const Session& session) {
    if (!session.identify()) return;
    const auto& addresses = session.identify()->listen_addresses;
    std::set<Multiaddr>& told = told_[session.peer()];
    for (std::size_t n = 0; n < addresses.size() && n < kMaxPeerAddresses; ++n) {
      const Multiaddr at = addresses[n].without_peer();
      if (told.size() >= kMaxToldAddresses && !told.contains(at)) continue;
      told.insert(at);
      book_.add({session.peer(), at}, session.remote_address(), clock_.now());
    }
  }

  // --- addresses from peers ---

  // Of those that this node chose to connect to, so that nobody fills the book by connecting often.
  void ask_for_addresses(Instant now) {
    for (const ConnectionView& view : host_.connection_views()) {
      if (view.slot != Slot::kFull && view.slot != Slot::kStatic) continue;
      if (!hellos_.contains(view.peer)) continue;
      const auto before = asked_.find(view.peer);
      if (before != asked_.end() && now < before->second.plus_ms(kAskPeersMs)) continue;
      asked_[view.peer] = now;
      if (auto session = session_with(view.peer)) spawn(io_, ask_peers(shared_from_this(), std::move(session)));
    }
  }

  static Task<void> ask_peers(std::shared_ptr<Impl> self, std::shared_ptr<Session> session) {
    auto stream = co_await session->open({self->exchange_protocol_});
    if (!stream) co_return;
    stream->finish();
    const auto said = co_await read_message(*stream, kMaxExchangeBytes);
    if (self->stopped_) co_return;
    if (!said) co_return punish(*session, said.error());
    if (!*said) co_return;  // asked too soon
    const auto news = self->exchange_.learn(session->peer(), session->remote_address(), **said, self->clock_.now());
    if (!news) punish(*session, news.error());
  }

  static Task<void> serve_exchange(std::weak_ptr<Impl> weak, Stream stream) {
    const auto self = weak.lock();
    if (!self || self->stopped_) co_return;
    const auto answer = self->exchange_.answer(stream.session()->peer(), self->clock_.now());
    if (!answer || co_await write_message(stream, *answer)) stream.finish();
    co_await wait_for_end(stream);
  }

  // --- Kademlia ---

  static Task<void> serve_kad(std::weak_ptr<Impl> weak, Stream stream) {
    while (true) {
      const auto request = co_await read_message(stream, kMaxKadMessageBytes);
      const auto self = weak.lock();
      if (!self || self->stopped_) co_return;
      if (!request) co_return punish(*stream.session(), request.error());
      if (!*request) break;
      const auto session = stream.session();
      const auto& said = session->identify();
      const PeerInfo from{session->peer(), said ? said->listen_addresses : std::vector<Multiaddr>()};
      const Instant begun = session->now();
      const auto answer = self->kad_.answer(from, **request, self->clock_.now(), session->remote_address());
      session->worked(stream.protocol(), begun);
      if (!answer) co_return punish(*session, answer.error());  // the stream is reset
      if (*answer && !co_await write_message(stream, **answer)) co_return;
    }
    stream.finish();
  }

  // Does what Kademlia wants done since the last time. A request may fail before it waits for anything, and comes back
  // here then: it is the one that is at it already who goes on.
  void pump() {
    if (std::exchange(pumping_, true)) {
      pump_again_ = true;
      return;
    }
    do {
      pump_again_ = false;
      pump_once();
    } while (pump_again_);
    pumping_ = false;
  }

  void pump_once() {
    auto effects = kad_.take_effects();
    for (KadFoundPeers& found : effects.found) {
      const auto waiter = waiting_.extract(found.lookup);
      if (waiter.empty()) continue;
      waiter.mapped()->found = std::move(found);
      waiter.mapped()->changed.notify();
    }
    for (KadOutgoing& out : effects.outgoing) queue_.push_back(std::move(out));
    while (!queue_.empty() && running_ < kMaxKadRequests) {
      ++running_;
      KadOutgoing next = std::move(queue_.front());
      queue_.pop_front();
      spawn(io_, run_request(shared_from_this(), std::move(next)));
    }
  }

  static Task<void> run_request(std::shared_ptr<Impl> self, KadOutgoing out) {
    const RequestId id = out.request;
    const auto answer = co_await request(self, std::move(out));
    self->asking_.erase(id);
    --self->running_;
    if (self->stopped_) co_return;
    const Instant now = self->clock_.now();
    if (!answer || !*answer) {
      self->kad_.on_failed(id, now);
    } else {
      (void)self->kad_.on_reply(id, **answer, now);  // a bad answer counts as none
    }
    self->pump();
  }

  static Task<Result<std::optional<Bytes>>> request(std::shared_ptr<Impl> self, KadOutgoing out) {
    auto session = self->session_with(out.to.peer);
    if (!session) {
      auto dialed = co_await self->host_.dial(out.to.peer, out.to.addresses);
      if (!dialed) co_return std::unexpected(dialed.error());
      session = *dialed;
      self->searched_[out.to.peer] = self->clock_.now();
    }
    if (const auto used = self->searched_.find(out.to.peer); used != self->searched_.end()) {
      used->second = self->clock_.now();
    }
    if (self->stopped_) co_return fail(Fault::kInterrupted, "the node stops");
    self->kad_.on_connected(out.to.peer, session->remote_address());
    auto opened = session->open_lazily(self->config_.kad_protocol);
    if (!opened) co_return std::unexpected(opened.error());
    const auto stream = std::make_shared<Stream>(std::move(*opened));
    self->asking_.insert_or_assign(out.request, Asking{.stream = stream, .since = self->clock_.now()});
    if (const Status sent = co_await write_message(*stream, std::move(out.message)); !sent) {
      co_return std::unexpected(sent.error());
    }
    if (!out.is_answered) {
      // Messages of a stream are taken in order.
      const KadMessage ping{.type = KadType::kPing, .name = {}, .closer = {}, .providers = {}};
      if (const Status sent = co_await write_message(*stream, ping.encode()); !sent) {
        co_return std::unexpected(sent.error());
      }
    }
    // No end before the answer: js does not look at a request whose stream has ended when it gets to it.
    auto answer = co_await read_message(*stream, kMaxKadMessageBytes);
    stream->finish();
    spawn(self->io_, end_politely(self, stream));
    co_return answer;
  }

  static Task<void> end_politely(std::shared_ptr<Impl> self, std::shared_ptr<Stream> stream) {
    self->ending_[stream] = self->clock_.now();
    co_await wait_for_end(*stream);
    self->ending_.erase(stream);
  }

  // Connections that only a search needed; whoever was given a use in the meantime stays.
  void close_unused(Instant now) {
    for (auto at = searched_.begin(); at != searched_.end();) {
      if (now < at->second.plus_ms(kUnusedMs)) {
        ++at;
        continue;
      }
      const PeerId peer = at->first;
      at = searched_.erase(at);
      for (const ConnectionView& view : host_.connection_views()) {
        if (view.peer != peer || view.slot != Slot::kAsked || view.streams > 0 || view.is_protected) continue;
        if (const auto session = session_with(peer)) session->close({.fault = Fault::kBusy, .message = "not needed"});
      }
    }
  }

  struct Waiter {
    explicit Waiter(const asio::any_io_executor& executor) : changed(executor) {}
    Signal changed;
    std::optional<KadFoundPeers> found;
  };

  // It begins once somebody waits for it: a search may end within the call that began it.
  using BeginSearch = std::function<Result<LookupId>(Impl&)>;
  static Task<Result<KadFoundPeers>> search(std::shared_ptr<Impl> self, BeginSearch begin) {
    const auto lookup = begin(*self);
    if (!lookup) co_return std::unexpected(lookup.error());
    const auto waiter = std::make_shared<Waiter>(self->io_.get_executor());
    self->waiting_[*lookup] = waiter;
    self->pump();
    while (!waiter->found && !self->stopped_) co_await waiter->changed.wait();
    self->waiting_.erase(*lookup);
    if (!waiter->found) co_return fail(Fault::kInterrupted, "the node stops");
    co_return std::move(*waiter->found);
  }

  struct Asking {
    std::shared_ptr<Stream> stream;
    Instant since;
  };

  asio::io_context& io_;
  Host& host_;
  DiscoveryConfig config_;
  const Clock& clock_;
  TxtResolver* resolver_;
  AddressBook book_;
  PeerExchange exchange_;
  KadNode kad_;
  asio::steady_timer timer_;
  std::string exchange_protocol_;
  Bytes status_;
  std::map<PeerId, Hello> hellos_;
  std::map<PeerId, std::set<Multiaddr>> told_;  // addresses of its own, on this connection
  std::vector<std::function<void(const PeerId&, const Hello&)>> hello_handlers_;
  std::set<std::weak_ptr<Session>, std::owner_less<>> greeted_;
  std::vector<std::pair<std::weak_ptr<Session>, Instant>> parting_;
  std::map<PeerId, Instant> asked_;     // for addresses
  std::map<PeerId, Instant> searched_;  // connected for a search only; when it was last of use
  std::deque<KadOutgoing> queue_;
  std::map<RequestId, Asking> asking_;
  std::map<std::shared_ptr<Stream>, Instant> ending_;
  std::map<LookupId, std::shared_ptr<Waiter>> waiting_;
  std::size_t running_ = 0;
  bool pumping_ = false;
  bool pump_again_ = false;
  Instant saved_;
  std::optional<Instant> seeds_asked_;
  bool asks_seeds_ = false;
  bool stopped_ = false;
};

Discovery::Discovery(asio::io_context& io, Host& host, DiscoveryConfig config, const Clock& clock, Random& random,
                     TxtResolver* resolver)
    : impl_(std::make_shared<Impl>(io, host, std::move(config), clock, random, resolver)) {}

Discovery::~Discovery() {
  (void)impl_->stop();
}

Status Discovery::start() {
  return impl_->start();
}
Status Discovery::stop() {
  return impl_->stop();
}
void Discovery::set_addresses(std::vector<Multiaddr> addresses) {
  impl_->kad_.set_addresses(std::move(addresses));
}
void Discovery::set_status(Bytes status) {
  status.resize(std::min(status.size(), kMaxHelloStatusBytes));
  impl_->status_ = std::move(status);
}
void Discovery::on_hello(std::function<void(const PeerId&, const Hello&)> handler) {
  impl_->hello_handlers_.push_back(std::move(handler));
}
const Hello* Discovery::hello_of(const PeerId& peer) const {
  const auto found = impl_->hellos_.find(peer);
  return found == impl_->hellos_.end() ? nullptr : &found->second;
}
Task<Result<KadFoundPeers>> Discovery::find_node(Bytes name) {
  return Impl::search(impl_, [name](Impl& self) { return self.kad_.find_node(name, self.clock_.now()); });
}
Task<Result<KadFoundPeers>> Discovery::find_providers(Bytes name, std::size_t enough) {
  return Impl::search(impl_,
                      [name, enough](Impl& self) { return self.kad_.find_providers(name, enough, self.clock_.now()); });
}
Task<Result<KadFoundPeers>> Discovery::provide(Bytes name) {
  return Impl::search(impl_, [name](Impl& self) { return self.kad_.provide(name, self.clock_.now()); });
}
std::size_t Discovery::searching() const {
  return impl_->waiting_.size();
}
AddressBook& Discovery::book() {
  return impl_->book_;
}
KadNode& Discovery::kad() {
  return impl_->kad_;
}

}  // namespace micro::p2p
