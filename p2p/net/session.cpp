#include "p2p/net/session.hpp"

#include <netinet/tcp.h>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace micro::p2p {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

using UnsentLimit = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;

Multiaddr address_of(const asio::ip::tcp::socket& socket) {
  error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return {};
  return Multiaddr::tcp(endpoint.address().to_string(), endpoint.port()).value_or(Multiaddr());
}

}  // namespace

Session::Session(std::weak_ptr<SessionOwner> owner, Socket socket, NoiseConfig config, const ProtocolSet& protocols,
                 std::shared_ptr<MemoryPool> pool)
    : owner_(std::move(owner)),
      socket_(std::move(socket)),
      pool_(std::move(pool)),
      connection_(config, protocols, *pool_),
      timer_(socket_.get_executor()),
      read_timer_(socket_.get_executor()),
      secured_(socket_.get_executor()),
      identify_changed_(socket_.get_executor()),
      remote_address_(address_of(socket_)),
      dialed_(config.role == Role::kInitiator) {}

Session::~Session() = default;

Instant Session::now() const {
  const auto owner = owner_.lock();
  return owner ? owner->now() : Instant();
}

std::size_t Session::turn_bytes() const {
  const auto owner = owner_.lock();
  return owner ? owner->turn_bytes(*this) : kTurnBytes;
}

void Session::start() {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  // What the kernel has not sent yet nobody overtakes.
  socket_.set_option(UnsentLimit(static_cast<int>(kUnsentBytes)), ignored);
  socket_.non_blocking(true, ignored);
  used_ = active_ = now();
  connection_.start(active_);
  flush();
  tick();
  read();
}

// --- the socket ---

void Session::read(bool anyway) {
  if (closed_) return;
  // What waits unread and what waits to be sent fill up together: the other side has to take something first.
  if (!anyway && writing_ && connection_.behind()) {
    paused_ = true;
    return;
  }
  const auto room = connection_.prepare(turn_bytes());
  socket_.async_read_some(
      asio::buffer(room.data(), room.size()),
      [self = shared_from_this()](const error_code& error, std::size_t bytes) { self->on_read(error, bytes); });
}

void Session::resume(bool anyway) {
  if (std::exchange(paused_, false)) read(anyway);
}

void Session::on_read(const error_code& error, std::size_t bytes) {
  if (closed_) return;
  if (error == asio::error::operation_aborted && std::exchange(renewing_read_, false)) {
    connection_.release_input();
    return read();
  }
  renewing_read_ = false;
  if (error) return close({.fault = Fault::kUnreachable, .message = "the other side closed: " + error.message()});
  bytes_read_ += bytes;
  const Instant begun = now();
  const Status status = connection_.commit(bytes, begun);
  dispatch();
  if (!status) return close(status.error());
  flush_soon();
  const auto owner = owner_.lock();
  if (connection_.mux().take_urgent_moved() && owner) owner->urgent_moved(*this);
  const Instant ready = owner ? owner->charge(*this, {.bytes = bytes, .cpu_ns = now().ns - begun.ns}) : begun;
  if (steps_back(bytes) && ready <= now()) return read_after(kStepsBack);
  read_at(ready);
}

/// What is urgent takes several steps, from a read over whoever waits for it to a write. A long turn lets all of them
/// go first.
bool Session::steps_back(std::size_t bytes) const {
  return bytes >= kLongTurnBytes && turn_bytes() < kTurnBytes;
}

void Session::read_after(unsigned steps) {
  if (steps == 0) return read();
  asio::post(socket_.get_executor(), [self = shared_from_this(), steps] { self->read_after(steps - 1); });
}

/// Who is over its budget waits in its own socket.
void Session::read_at(Instant ready) {
  const Instant at = now();
  if (ready <= at || closed_) return read();
  over_budget_ = true;
  read_timer_.expires_after(std::chrono::nanoseconds(ready.ns - at.ns));
  read_timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->over_budget_ = false;
    self->read();
  });
}

/// Once for all that is written in this turn of the loop.
void Session::flush_soon() {
  if (!std::exchange(flush_posted_, true)) flush_after(kStepsBack);
}

void Session::flush_after(unsigned steps) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), steps] {
    if (steps > 0 && self->steps_back(self->connection_.mux().output_bytes())) return self->flush_after(steps - 1);
    self->flush_posted_ = false;
    self->flush();
  });
}

void Session::flush() {
  const Instant begun = now();
  const std::size_t turn = turn_bytes();
  std::size_t flushed = 0;
  while (!closed_ && !writing_) {
    if (flushed >= turn) {
      flush_soon();
      break;
    }
    if (!connection_.take_output(sending_, turn)) break;
    flushed += sending_.size();
    dispatch();
    error_code error;
    const std::size_t sent = socket_.write_some(asio::buffer(sending_.view().data(), sending_.size()), error);
    bytes_written_ += sent;
    sending_.consume(sent);
    if (sending_.empty()) continue;
    if (error && error != asio::error::would_block) {
      return close({.fault = Fault::kUnreachable, .message = "cannot write: " + error.message()});
    }
    writing_ = true;
    asio::async_write(socket_, asio::buffer(sending_.view().data(), sending_.size()),
                      [self = shared_from_this()](const error_code& failed, std::size_t bytes) {
                        self->writing_ = false;
                        self->bytes_written_ += bytes;
                        self->sending_.clear();
                        if (failed) return self->close({.fault = Fault::kUnreachable, .message = "cannot write"});
                        self->steps_back(self->connection_.mux().output_bytes()) ? self->flush_soon() : self->flush();
                      });
  }
  if (const auto owner = owner_.lock()) {
    owner->charge(*this, {.cpu_ns = now().ns - begun.ns});
    if (connection_.mux().take_urgent_moved()) owner->urgent_moved(*this);
  }
  resume();
}

void Session::close(Error reason) {
  if (std::exchange(closed_, true)) return;
  const auto self = shared_from_this();
  reason_ = std::move(reason);
  if (connection_.secured()) connection_.mux().go_away(GoAway::kNormal);
  error_code ignored;
  // As much of the goodbye as goes at once: nobody waits for it. Something may be there that could not be written, or
  // not yet: that goes first, and alone.
  if (!writing_) {
    if (sending_.empty()) connection_.take_output(sending_);
    if (!sending_.empty()) socket_.write_some(asio::buffer(sending_.view().data(), sending_.size()), ignored);
    sending_.clear();
  }
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  socket_.close(ignored);
  timer_.cancel();
  read_timer_.cancel();
  for (const auto& [id, state] : streams_) {
    state->phase = StreamState::Phase::kGone;
    state->readable.notify();
    state->writable.notify();
  }
  streams_.clear();
  secured_.notify();
  identify_changed_.notify();
  if (const auto owner = owner_.lock()) owner->closed(self);
}

void Session::fill(ConnectionView& view) const {
  view.bytes_read = bytes_read_;
  view.bytes_written = bytes_written_;
  view.streams = connection_.mux().streams();
  view.held_bytes = connection_.held_bytes();
}

// --- time ---

void Session::tick() {
  timer_.expires_after(std::chrono::milliseconds(kTickMs));
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->closed_) return;
    self->sweep();
    if (!self->closed_) self->tick();
  });
}

void Session::sweep() {
  if (closed_) return;
  const Instant at = now();
  release_when_idle(at);
  const Status status = connection_.sweep(at);
  dispatch();
  if (!status) return close(status.error());
  if (connection_.mux().streams() > 0) used_ = at;
  if (const auto owner = owner_.lock()) owner->swept(shared_from_this());
  if (closed_) return;
  flush_soon();
  resume(true);  // two ends may wait for each other so: a pause is no longer than this
}

void Session::release_when_idle(Instant at) {
  if (std::exchange(bytes_at_sweep_, bytes_read_ + bytes_written_) != bytes_read_ + bytes_written_) active_ = at;
  if (writing_ || at < active_.plus_ms(kIdleMs)) return;
  sending_.release(0);
  connection_.release_memory();
  // The read that waits holds its buffer: it is taken back, and the next one is a small one.
  if (over_budget_ || connection_.input_bytes() <= kIdleInputBytes) return;
  renewing_read_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

// --- events ---

void Session::dispatch() {
  for (std::size_t at = 0; at < connection_.events().size() && !closed_; ++at) {
    const ConnectionEvent event = connection_.events()[at];
    on_event(event);
  }
  connection_.events().clear();
}

void Session::on_event(const ConnectionEvent& event) {
  using Kind = ConnectionEvent::Kind;
  const auto owner = owner_.lock();
  const auto found = streams_.find(event.stream);
  const auto state = found == streams_.end() ? nullptr : found->second;
  switch (event.kind) {
    case Kind::kSecured:
      secured_.notify();
      if (owner) owner->secured(shared_from_this());
      break;
    case Kind::kInbound: {
      auto opened = add_stream(event.stream, StreamState::Phase::kOpen);
      opened->protocol = connection_.take_protocol(event.stream);
      if (owner) owner->inbound(Stream(shared_from_this(), std::move(opened)));
      break;
    }
    case Kind::kAgreed:
      if (!state) break;
      state->protocol = connection_.take_protocol(event.stream);
      state->phase = StreamState::Phase::kOpen;
      state->readable.notify();
      break;
    case Kind::kRefused:
    case Kind::kReset:
      if (!state) break;
      streams_.erase(event.stream);
      state->phase = event.kind == Kind::kReset ? StreamState::Phase::kGone : StreamState::Phase::kRefused;
      state->readable.notify();
      state->writable.notify();
      break;
    case Kind::kReadable:
      if (state) state->readable.notify();
      break;
    case Kind::kWritable:
      if (state) state->writable.notify();
      break;
    case Kind::kGoAway:
      break;
  }
}

// --- streams ---

std::shared_ptr<StreamState> Session::add_stream(StreamId id, StreamState::Phase phase) {
  auto state = std::make_shared<StreamState>(socket_.get_executor(), id, phase);
  streams_[id] = state;
  return state;
}

void Session::let_go(const std::shared_ptr<StreamState>& state) {
  if (state->phase == StreamState::Phase::kGone || state->phase == StreamState::Phase::kRefused) return;
  state->phase = StreamState::Phase::kGone;
  state->readable.notify();
  state->writable.notify();
  streams_.erase(state->id);
  if (connection_.negotiating(state->id)) {
    connection_.reset(state->id);
  } else {
    connection_.mux().release(state->id);
  }
  flush_soon();
}

Task<Status> Session::wait_secured() {
  const auto self = shared_from_this();
  while (!closed_ && !connection_.secured()) co_await secured_.wait();
  if (closed_) co_return std::unexpected(reason_);
  co_return Status();
}

Task<Result<Stream>> Session::open(std::vector<std::string> protocols, StreamClass of) {
  const auto self = shared_from_this();
  if (closed_ || !connection_.secured()) co_return fail(Fault::kUnreachable, "the connection is not open");
  const auto id = connection_.open(std::move(protocols), now(), of);
  if (!id) co_return std::unexpected(id.error());
  Stream stream(self, add_stream(*id, StreamState::Phase::kNegotiating));
  const auto state = streams_[*id];
  flush_soon();
  while (state->phase == StreamState::Phase::kNegotiating) co_await state->readable.wait();
  if (state->phase == StreamState::Phase::kOpen) co_return stream;
  if (state->phase == StreamState::Phase::kRefused) {
    co_return fail(Fault::kNotFound, "the other side does not speak this protocol");
  }
  co_return fail(Fault::kUnreachable, "the stream was reset");
}

Result<Stream> Session::open_lazily(std::string protocol, StreamClass of) {
  if (closed_ || !connection_.secured()) return fail(Fault::kUnreachable, "the connection is not open");
  const StreamId id = TRY(connection_.open({std::move(protocol)}, now(), of));
  flush_soon();
  return Stream(shared_from_this(), add_stream(id, StreamState::Phase::kNegotiating));
}

void Session::worked(std::string_view protocol, Instant since) {
  const auto owner = owner_.lock();
  if (!owner) return;
  const std::uint64_t now_ns = owner->now().ns;
  const Spending spent{.cpu_ns = std::min(now_ns - std::min(now_ns, since.ns), kMostWorkNs)};
  owner->charge(*this, spent);
  owner->charge_protocol(*this, protocol, spent);
}

Task<bool> Session::wait_identified() {
  const auto self = shared_from_this();
  while (!closed_ && !identify_) co_await identify_changed_.wait();
  co_return identify_.has_value();
}

void Session::learned(Identify said) {
  if (identify_) {
    identify_->merge(std::move(said));
  } else {
    identify_ = std::move(said);
  }
  if (const auto owner = owner_.lock()) owner->identified(*this);
  identify_changed_.notify();
}

}  // namespace micro::p2p
