#include "p2p/net/stream_calls.hpp"

#include "p2p/aio/spawn.hpp"

namespace micro::p2p {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kStreamReadBytes = 16 * 1'024;
constexpr std::size_t kStreamWriteBytes = 64 * 1'024;

// A call with its stream; shared by the coroutines that read, write and keep its time.
struct StreamLine {
  StreamLine(asio::io_context& io, PeerId of, CallStream call)
      : peer(of), core(std::move(call)), wake(io.get_executor()), timer(io) {}
  CallId id = 0;
  PeerId peer;
  CallStream core;
  std::optional<Stream> stream;  // of a call of ours it comes later
  Signal wake;                   // output to write, or the application moved
  asio::steady_timer timer;      // its deadline, then how long its last bytes may take
  Instant timed;                 // for what the timer runs
  std::size_t running = 0;       // coroutines with its stream
  bool incoming = false;
  bool told = false;  // the application knows of it
  bool over = false;  // and hears nothing more
};
using StreamLinePtr = std::shared_ptr<StreamLine>;

// A coroutine that works on a line's stream. Behind the last one nothing lingers.
struct RunningLine {
  explicit RunningLine(StreamLinePtr of) : line(std::move(of)) { ++line->running; }
  RunningLine(const RunningLine&) = delete;
  RunningLine& operator=(const RunningLine&) = delete;
  ~RunningLine() {
    if (--line->running == 0) line->timer.cancel();
  }
  StreamLinePtr line;
};

Error broken(std::string why) {
  return {.fault = Fault::kUnknownOutcome, .message = std::move(why)};
}

}  // namespace

class StreamCalls::Impl final : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, Host& host, const Clock& clock, StreamCallHandler& handler)
      : io_(io), host_(host), clock_(clock), handler_(&handler) {}

  void begin() {
    for (const auto& [protocol, of] : {std::pair(kStreamCallProtocol, StreamClass::kInteractive),
                                       std::pair(kBulkCallProtocol, StreamClass::kBulk)}) {
      host_.handle(
          std::string(protocol), [weak = weak_from_this()](Stream stream) { return serve(weak, std::move(stream)); },
          of);
    }
  }

  // Nobody is told any more: the handler may be gone.
  void stop() {
    handler_ = nullptr;
    for (const auto& [id, line] : std::map(lines_)) drop(line);
  }

  Result<CallId> open(const PeerId& peer, std::string method, StreamClass of, Instant deadline) {
    if (method.size() > kMaxMethodBytes) return fail(Fault::kLimit, "the name of a method is too long");
    if (!host_.session_with(peer)) return fail(Fault::kUnreachable, "not connected to this peer");
    const auto line =
        std::make_shared<StreamLine>(io_, peer, CallStream::asker(std::move(method), deadline, clock_.now()));
    add(line);
    line->told = true;
    spawn(io_, ask(shared_from_this(), line, of));
    return line->id;
  }

  [[nodiscard]] StreamLinePtr find(CallId id) const {
    const auto found = lines_.find(id);
    return found == lines_.end() ? nullptr : found->second;
  }

  Status send(CallId id, Bytes item) {
    const StreamLinePtr line = find(id);
    if (!line) return fail(Fault::kInterrupted, "this call is over");
    TRY(line->core.send(std::move(item)));
    line->wake.notify();
    return {};
  }

  std::optional<Bytes> take(CallId id) {
    const StreamLinePtr line = find(id);
    if (!line) return std::nullopt;
    auto item = line->core.take();
    if (item) line->wake.notify();  // credit to give, or it is over now
    return item;
  }

  void finish(CallId id) {
    const StreamLinePtr line = find(id);
    if (!line) return;
    line->core.finish();
    line->wake.notify();
  }

  void abort(CallId id, const Error& why) {
    const StreamLinePtr line = find(id);
    if (!line) return;
    line->core.abort(why);
    leave(line);
  }

  [[nodiscard]] std::size_t under_way() const { return lines_.size(); }

 private:
  void add(const StreamLinePtr& line) {
    line->id = ++last_id_;
    lines_[line->id] = line;
    keep_time(line);
  }

  static Task<void> ask(std::shared_ptr<Impl> self, StreamLinePtr line, StreamClass of) {
    const auto protocol = of == StreamClass::kBulk ? kBulkCallProtocol : kStreamCallProtocol;
    const RunningLine running(line);
    if (line->over) co_return;
    auto opened = co_await self->host_.open(line->peer, {std::string(protocol)}, of);
    if (line->over) co_return;
    if (!opened) {
      line->core.closed(opened.error());
      self->report(line);
      co_return;
    }
    line->stream.emplace(std::move(*opened));
    spawn(self->io_, write(self, line));
    co_await read(self, line);
  }

  static Task<void> serve(std::weak_ptr<Impl> weak, Stream stream) {
    const auto self = weak.lock();
    if (!self || self->handler_ == nullptr) co_return;
    const auto line =
        std::make_shared<StreamLine>(self->io_, stream.session()->peer(), CallStream::answerer(self->clock_.now()));
    line->stream.emplace(std::move(stream));
    line->incoming = true;
    const bool may_have_more = self->has_room_for(line->peer);
    self->add(line);
    spawn(self->io_, write(self, line));
    if (!may_have_more) {
      line->core.abort({.fault = Fault::kBusy, .message = "too many calls are under way"});
      self->leave(line);
    }
    co_await read(self, line);
  }

  [[nodiscard]] bool has_room_for(const PeerId& peer) const {
    std::size_t of_all = 0;
    std::size_t of_peer = 0;
    for (const auto& [id, line] : lines_) {
      of_all += line->incoming ? 1 : 0;
      of_peer += line->incoming && line->peer == peer ? 1 : 0;
    }
    return of_all < kMaxStreamCalls && of_peer < kMaxStreamCallsOfPeer;
  }

  // To the end of the stream, also when the call is over: what is unread would be cut off with a reset.
  static Task<void> read(std::shared_ptr<Impl> self, StreamLinePtr line) {
    const RunningLine running(line);
    Bytes buffer(kStreamReadBytes);
    std::optional<Error> why;
    while (true) {
      const auto size = co_await line->stream->read(buffer);
      if (!size) why = broken(size.error().message);
      if (!size || *size == 0) break;
      const auto session = line->stream->session();
      const Instant begun = session->now();
      if (const Status status = line->core.feed(ByteView(buffer).first(*size), self->clock_.now()); !status) {
        line->core.abort(status.error());
        break;
      }
      self->keep_time(line);
      self->report(line);
      session->worked(line->stream->protocol(), begun);
    }
    line->core.closed(why);
    self->report(line);
  }

  static Task<void> write(std::shared_ptr<Impl> self, StreamLinePtr line) {
    const RunningLine running(line);
    while (true) {
      ByteQueue& out = line->core.output();
      if (!out.empty()) {
        const ByteView front = out.view().first(std::min(kStreamWriteBytes, out.size()));
        const Bytes piece(front.begin(), front.end());
        out.consume(piece.size());
        if (!co_await line->stream->write(piece)) break;
        continue;
      }
      self->report(line);
      if (!out.empty()) continue;
      if (line->core.all_said()) line->stream->finish();
      if (line->over) break;
      co_await line->wake.wait();
    }
  }

  // What the application has to hear.
  void report(const StreamLinePtr& line) {
    if (line->over || handler_ == nullptr) return;
    if (auto opening = line->core.take_opening()) {
      line->told = true;
      handler_->on_open(
          {.id = line->id, .from = line->peer, .method = std::move(opening->method), .deadline = opening->deadline});
    }
    if (line->over || handler_ == nullptr) return;
    const auto outcome = line->core.outcome();
    if (!outcome) {
      if (line->told) handler_->on_moved(line->id);
      return;
    }
    leave(line);
    if (line->told) handler_->on_over(line->id, *outcome);
  }

  // Its last bytes have a little time.
  void leave(const StreamLinePtr& line) {
    if (std::exchange(line->over, true)) return;
    lines_.erase(line->id);
    line->wake.notify();
    if (line->running == 0) return;
    line->timer.expires_after(std::chrono::milliseconds(kLingerMs));
    line->timer.async_wait([line](const error_code& error) {
      if (!error && line->stream) line->stream->reset();
    });
  }

  void drop(const StreamLinePtr& line) {
    line->core.closed(broken("stopped"));
    line->over = true;
    lines_.erase(line->id);
    line->timer.cancel();
    if (line->stream) line->stream->reset();
    line->wake.notify();
  }

  void keep_time(const StreamLinePtr& line) {
    if (line->over || line->timed == line->core.deadline()) return;
    line->timed = line->core.deadline();
    const std::uint64_t now_ns = clock_.now().ns;
    const std::uint64_t at_ns = line->core.deadline().ns;
    line->timer.expires_after(std::chrono::nanoseconds(at_ns > now_ns ? at_ns - now_ns : 0));
    line->timer.async_wait([self = shared_from_this(), line](const error_code& error) {
      if (error || line->over) return;
      line->timed = Instant();
      line->core.expire(self->clock_.now());
      self->report(line);
      self->keep_time(line);
    });
  }

  asio::io_context& io_;
  Host& host_;
  const Clock& clock_;
  StreamCallHandler* handler_;
  CallId last_id_ = 0;
  std::map<CallId, StreamLinePtr> lines_;
};

StreamCalls::StreamCalls(asio::io_context& io, Host& host, const Clock& clock, StreamCallHandler& handler)
    : impl_(std::make_shared<Impl>(io, host, clock, handler)) {
  impl_->begin();
}
StreamCalls::~StreamCalls() {
  impl_->stop();
}
Result<CallId> StreamCalls::open(const PeerId& peer, std::string method, StreamClass of, Instant deadline) {
  return impl_->open(peer, std::move(method), of, deadline);
}
Status StreamCalls::send(CallId id, Bytes item) {
  return impl_->send(id, std::move(item));
}
std::optional<Bytes> StreamCalls::take(CallId id) {
  return impl_->take(id);
}
void StreamCalls::finish(CallId id) {
  impl_->finish(id);
}
void StreamCalls::abort(CallId id, Error why) {
  impl_->abort(id, why);
}
std::size_t StreamCalls::under_way() const {
  return impl_->under_way();
}

}  // namespace micro::p2p
