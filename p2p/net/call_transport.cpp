#include "p2p/net/call_transport.hpp"

#include "p2p/aio/spawn.hpp"

namespace micro::p2p {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kReadBytes = 16 * 1'024;
constexpr std::size_t kWriteBytes = 64 * 1'024;

// One stream with one of the two cores; shared by the coroutines that read, write and keep its time.
template <class Core>
struct Line {
  Line(asio::io_context& io, Stream of)
      : peer(of.session()->peer()), stream(std::move(of)), wake(io.get_executor()), timer(io) {}
  PeerId peer;
  Stream stream;
  Core core;
  Signal wake;  // output to write, or room to read
  asio::steady_timer timer;
  std::map<CallId, CallId> numbers;  // of the core's calls, in the transport's counting
  bool refused = false;              // somebody heard kBusy and waits
  bool over = false;
};
using AskLine = Line<UnaryClient>;
using AnswerLine = Line<UnaryServer>;

}  // namespace

class CallTransport::Impl final : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, Host& host, const Clock& clock, CallHandler& handler, std::string protocol)
      : io_(io), host_(host), clock_(clock), handler_(&handler), protocol_(std::move(protocol)) {}

  void begin() {
    host_.handle(protocol_, [weak = weak_from_this()](Stream stream) { return serve(weak, std::move(stream)); });
  }

  // Nobody is told any more: the handler may be gone.
  void stop() {
    handler_ = nullptr;
    for (const auto& [peer, line] : std::map(answers_)) end(line);
    for (const auto& [peer, line] : std::map(asks_)) end(line, "stopped");
  }

  Result<CallId> call(const PeerId& peer, std::string method, Bytes body, Instant deadline) {
    const auto line = TRY(line_to(peer));
    const auto local = line->core.call(std::move(method), std::move(body), deadline, clock_.now());
    if (!local) {
      line->refused = line->refused || local.error().fault == Fault::kBusy;
      return std::unexpected(local.error());
    }
    const CallId id = ++last_id_;
    line->numbers[*local] = id;
    asked_[id] = {line, *local};
    line->wake.notify();
    keep_time(line);
    return id;
  }

  void cancel(CallId id) {
    const auto node = asked_.extract(id);
    if (node.empty()) return;
    const auto& [line, local] = node.mapped();
    line->core.cancel(local);
    line->numbers.erase(local);
    line->wake.notify();
  }

  void reply(CallId id, Result<Bytes> result) {
    const auto node = answering_.extract(id);
    if (node.empty()) return;
    const auto& [line, local] = node.mapped();
    line->core.reply(local, std::move(result));
    line->numbers.erase(local);
    line->wake.notify();
    room_again();
  }

  [[nodiscard]] std::size_t under_way() const { return asked_.size() + answering_.size(); }

 private:
  // --- who asks ---

  Result<std::shared_ptr<AskLine>> line_to(const PeerId& peer) {
    const auto found = asks_.find(peer);
    if (found != asks_.end()) return found->second;
    const auto session = host_.session_with(peer);
    if (!session) return fail(Fault::kUnreachable, "not connected to this peer");
    auto line = std::make_shared<AskLine>(io_, TRY(session->open_lazily(protocol_)));
    asks_[peer] = line;
    spawn(io_, write(shared_from_this(), line));
    spawn(io_, read(shared_from_this(), line));
    return line;
  }

  static Task<void> read(std::shared_ptr<Impl> self, std::shared_ptr<AskLine> line) {
    Bytes buffer(kReadBytes);
    std::string why = "the stream of calls ended";
    while (!line->over) {
      const auto size = co_await line->stream.read(buffer);
      if (!size) why = size.error().message;
      if (!size || *size == 0) break;
      const auto session = line->stream.session();
      const Instant begun = session->now();
      const Status status = line->core.feed(ByteView(buffer).first(*size));
      self->deliver(line);
      session->worked(self->protocol_, begun);
      if (status) continue;
      why = status.error().message;
      break;
    }
    self->end(line, why);
  }

  template <class AnyLine>
  static Task<void> write(std::shared_ptr<Impl> self, std::shared_ptr<AnyLine> line) {
    while (!line->over) {
      ByteQueue& out = line->core.output();
      if (out.empty()) {
        co_await line->wake.wait();
        continue;
      }
      const ByteView front = out.view().first(std::min(kWriteBytes, out.size()));
      const Bytes piece(front.begin(), front.end());
      out.consume(piece.size());
      const Status sent = co_await line->stream.write(piece);
      if (!sent) break;
      self->after_write(line);
    }
    self->stop_line(line);
  }

  void after_write(const std::shared_ptr<AskLine>& line) { ready(line); }
  void after_write(const std::shared_ptr<AnswerLine>& /*line*/) { room_again(); }
  void stop_line(const std::shared_ptr<AskLine>& line) { end(line, "the stream of calls ended"); }
  void stop_line(const std::shared_ptr<AnswerLine>& line) { end(line); }

  void deliver(const std::shared_ptr<AskLine>& line) {
    for (CallResult& one : std::exchange(line->core.results(), {})) {
      const auto number = line->numbers.extract(one.id);
      if (number.empty()) continue;
      asked_.erase(number.mapped());
      if (handler_ != nullptr) handler_->on_result(number.mapped(), std::move(one.result));
    }
    ready(line);
  }

  void ready(const std::shared_ptr<AskLine>& line) {
    if (line->core.output().size() > kQueuedCallBytes / 2 || !line->core.may_call()) return;
    if (std::exchange(line->refused, false) && handler_ != nullptr) handler_->on_ready(line->peer);
  }

  void end(const std::shared_ptr<AskLine>& line, const std::string& why) {
    if (std::exchange(line->over, true)) return;
    asks_.erase(line->peer);
    line->timer.cancel();
    line->stream.reset();
    line->wake.notify();
    line->core.closed(why);
    deliver(line);
    if (std::exchange(line->refused, false) && handler_ != nullptr) handler_->on_ready(line->peer);
  }

  void keep_time(const std::shared_ptr<AskLine>& line) {
    const auto next = line->core.next_deadline();
    if (!next || line->over) return;
    set_timer(line, *next, [this, line] {
      line->core.expire(clock_.now());
      line->wake.notify();
      deliver(line);
      keep_time(line);
    });
  }

  // --- who answers ---

  static Task<void> serve(std::weak_ptr<Impl> weak, Stream stream) {
    const auto self = weak.lock();
    if (!self || self->handler_ == nullptr) co_return;
    const auto line = std::make_shared<AnswerLine>(self->io_, std::move(stream));
    // A peer has one: with as many as it likes it would hold as much as it likes.
    if (const auto before = self->answers_.find(line->peer); before != self->answers_.end()) {
      self->end(std::shared_ptr(before->second));
    }
    self->answers_[line->peer] = line;
    spawn(self->io_, write(self, line));
    Bytes buffer(kReadBytes);
    while (!line->over) {
      const auto size = co_await line->stream.read(buffer);
      if (!size || *size == 0) break;
      ByteView rest = ByteView(buffer).first(*size);
      while (!rest.empty() && !line->over) {
        const auto session = line->stream.session();
        const Instant begun = session->now();
        const auto taken = line->core.feed(rest, self->clock_.now(), self->most_running(*line));
        self->take_requests(line);
        session->worked(self->protocol_, begun);
        if (!taken) {
          self->end(line);
          break;
        }
        rest = rest.subspan(*taken);
        if (rest.empty() || line->core.has_room(self->most_running(*line))) continue;
        self->somebody_waits_ = true;
        co_await line->wake.wait();
      }
    }
    self->end(line);
  }

  // A peer that has nothing at work is heard whatever the others hold.
  [[nodiscard]] std::size_t most_running(const AnswerLine& line) const {
    std::size_t owed = 0;
    for (const auto& [peer, other] : answers_) owed += other->core.owed_bytes();
    const std::size_t more = owed < kMaxOwedBytes ? (kMaxOwedBytes - owed) / kMaxCallBytes : 0;
    return more == 0 && line.core.owed_bytes() == 0 ? 1 : line.core.running() + more;
  }

  // What one peer leaves may be room for another.
  void room_again() {
    if (!std::exchange(somebody_waits_, false)) return;
    for (const auto& [peer, line] : answers_) line->wake.notify();
  }

  void take_requests(const std::shared_ptr<AnswerLine>& line) {
    for (IncomingRequest& one : std::exchange(line->core.requests(), {})) {
      const CallId id = ++last_id_;
      line->numbers[one.id] = id;
      answering_[id] = {line, one.id};
      if (handler_ == nullptr) continue;
      handler_->on_call({.id = id,
                         .from = line->peer,
                         .method = std::move(one.method),
                         .body = std::move(one.body),
                         .deadline = one.deadline});
    }
    take_cancelled(line);
    keep_time(line);
  }

  void take_cancelled(const std::shared_ptr<AnswerLine>& line) {
    for (const CallId local : std::exchange(line->core.cancelled(), {})) {
      const auto number = line->numbers.extract(local);
      if (number.empty()) continue;
      answering_.erase(number.mapped());
      if (handler_ != nullptr) handler_->on_cancelled(number.mapped());
    }
  }

  void end(const std::shared_ptr<AnswerLine>& line) {
    if (std::exchange(line->over, true)) return;
    answers_.erase(line->peer);
    line->timer.cancel();
    line->stream.reset();
    line->wake.notify();
    for (const auto& [local, id] : std::exchange(line->numbers, {})) {
      answering_.erase(id);
      if (handler_ != nullptr) handler_->on_cancelled(id);
    }
    room_again();
  }

  void keep_time(const std::shared_ptr<AnswerLine>& line) {
    const auto next = line->core.next_deadline();
    if (!next || line->over) return;
    set_timer(line, *next, [this, line] {
      line->core.expire(clock_.now());
      line->wake.notify();
      take_cancelled(line);
      keep_time(line);
      room_again();
    });
  }

  template <class AnyLine, class Then>
  void set_timer(const std::shared_ptr<AnyLine>& line, Instant at, Then then) {
    const std::uint64_t now_ns = clock_.now().ns;
    line->timer.expires_after(std::chrono::nanoseconds(at.ns > now_ns ? at.ns - now_ns : 0));
    line->timer.async_wait([self = shared_from_this(), line, then = std::move(then)](const error_code& error) {
      if (!error && !line->over) then();
    });
  }

  asio::io_context& io_;
  Host& host_;
  const Clock& clock_;
  CallHandler* handler_;
  std::string protocol_;
  bool somebody_waits_ = false;  // for room, of its own or of others
  CallId last_id_ = 0;
  std::map<PeerId, std::shared_ptr<AskLine>> asks_;
  std::map<PeerId, std::shared_ptr<AnswerLine>> answers_;
  std::map<CallId, std::pair<std::shared_ptr<AskLine>, CallId>> asked_;
  std::map<CallId, std::pair<std::shared_ptr<AnswerLine>, CallId>> answering_;
};

CallTransport::CallTransport(asio::io_context& io, Host& host, const Clock& clock, CallHandler& handler,
                             std::string protocol)
    : impl_(std::make_shared<Impl>(io, host, clock, handler, std::move(protocol))) {
  impl_->begin();
}
CallTransport::~CallTransport() {
  impl_->stop();
}
Result<CallId> CallTransport::call(const PeerId& peer, std::string method, Bytes body, Instant deadline) {
  return impl_->call(peer, std::move(method), std::move(body), deadline);
}
void CallTransport::cancel(CallId id) {
  impl_->cancel(id);
}
void CallTransport::reply(CallId id, Result<Bytes> result) {
  impl_->reply(id, std::move(result));
}
std::size_t CallTransport::under_way() const {
  return impl_->under_way();
}

}  // namespace micro::p2p
