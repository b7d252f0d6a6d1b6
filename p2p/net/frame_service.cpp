#include "p2p/net/frame_service.hpp"

#include <boost/asio/post.hpp>
#include <cmath>
#include <deque>

#include "p2p/aio/spawn.hpp"
#include "p2p/peers/address_group.hpp"
#include "p2p/wire/varint.hpp"

namespace micro::p2p {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kFrameReadBytes = 16 * 1'024;
constexpr std::size_t kKeptFrameBufferBytes = 16 * 1'024;
constexpr std::uint64_t kTellManagerMs = 200;
constexpr std::uint64_t kMostWaitNs = 3'600'000'000'000;  // a core without a deadline is looked at each hour

// Both directions with one peer; shared by the coroutines that read and write.
struct FrameLine {
  FrameLine(asio::io_context& io, PeerId of) : peer(of), wake(io.get_executor()), room(io.get_executor()) {}
  PeerId peer;
  std::shared_ptr<Stream> out;  // ours: written only
  std::shared_ptr<Stream> in;   // theirs: read only; another one takes its place
  Signal wake;                  // there may be frames to write
  Signal room;                  // in the inbox
  std::deque<Bytes> inbox;
  std::size_t inbox_bytes = 0;
  std::size_t partial_bytes = 0;  // of a frame that is not whole
  Instant partial_since;
  bool over = false;
};

PeerFacts facts_of(const Session& session, std::string protocol) {
  PeerFacts facts{.protocol = std::move(protocol), .outbound = session.dialed(), .address = {}, .record = {}};
  const auto ip = IpAddress::of(session.remote_address());
  if (ip && ip->reach() == Reach::kPublic) facts.address = as_text(ip->host().view());
  if (session.identify()) facts.record = session.identify()->signed_peer_record;
  return facts;
}

}  // namespace

class FrameService::Impl final : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, Host& host, const Clock& clock, FrameProtocol& core, FrameServiceConfig config,
       std::function<void()> changed)
      : io_(io),
        host_(host),
        clock_(clock),
        core_(core),
        config_(std::move(config)),
        changed_(std::move(changed)),
        timer_(io),
        retry_timer_(io) {}

  void begin() {
    const std::weak_ptr<Impl> weak = weak_from_this();
    for (const std::string& protocol : config_.protocols) {
      host_.handle(protocol, [weak](Stream stream) { return serve(weak, std::move(stream)); });
    }
    host_.on_identified([weak](const std::shared_ptr<Session>& session) {
      const auto self = weak.lock();
      if (self && !self->stopped_) self->connect(session);
    });
    core_.expire(clock_.now());
    keep_time();
    retry_later();
  }

  void stop() {
    stopped_ = true;
    timer_.cancel();
    retry_timer_.cancel();
    for (const auto& [peer, line] : std::map(lines_)) end(line);
  }

  void poke() {
    for (const PeerId& peer : core_.take_ready()) {
      const auto found = lines_.find(peer);
      if (found != lines_.end()) found->second->wake.notify();
    }
    keep_time();
  }

  [[nodiscard]] std::size_t lines() const { return lines_.size(); }

 private:
  using LinePtr = std::shared_ptr<FrameLine>;

  // --- lines ---

  // The best of our protocols that it says to speak.
  [[nodiscard]] std::optional<std::string> spoken_by(const Session& session) const {
    if (!session.identify()) return std::nullopt;
    const auto& spoken = session.identify()->protocols;
    for (const std::string& one : config_.protocols) {
      if (std::ranges::find(spoken, one) != spoken.end()) return one;
    }
    return std::nullopt;
  }

  void connect(const std::shared_ptr<Session>& session) {
    if (!session->is_open() || !session->secured()) return;
    if (auto protocol = spoken_by(*session)) line_with(session, std::move(*protocol));
  }

  LinePtr line_with(const std::shared_ptr<Session>& session, std::string protocol) {
    const auto found = lines_.find(session->peer());
    if (found != lines_.end()) return found->second;
    if (!core_.connected(session->peer(), facts_of(*session, std::move(protocol)), clock_.now())) return nullptr;
    const auto line = std::make_shared<FrameLine>(io_, session->peer());
    lines_[line->peer] = line;
    spawn(io_, write(shared_from_this(), line, session));
    return line;
  }

  void end(const LinePtr& line) {
    if (line->over) return;
    set_partial(*line, 0);
    line->over = true;
    lines_.erase(line->peer);
    if (line->out) line->out->reset();
    if (line->in) line->in->reset();
    inbox_bytes_ -= line->inbox_bytes;
    line->wake.notify();
    line->room.notify();
    core_.disconnected(line->peer, clock_.now());
  }

  // Peers whose line broke while they stayed, or that have another connection.
  void retry_later() {
    retry_timer_.expires_after(std::chrono::milliseconds(kLineRetryMs));
    retry_timer_.async_wait([weak = weak_from_this()](const error_code& error) {
      const auto self = weak.lock();
      if (error || !self || self->stopped_) return;
      self->end_slow();
      self->tell_manager();
      for (const auto& session : self->host_.sessions()) self->connect(session);
      self->retry_later();
    });
  }

  // Who may stay where there is too little room, and what people see of a peer.
  void tell_manager() {
    const Instant now = clock_.now();
    if (now < told_manager_.plus_ms(kTellManagerMs)) return;
    told_manager_ = now;
    for (const auto& [peer, line] : lines_) {
      if (core_.take_news_of(peer)) {
        if (const auto session = host_.session_with(peer)) host_.manager().on_useful(session->number(), now);
      }
      if (const auto score = core_.opinion_of(peer, now)) host_.manager().set_score(peer, std::llround(*score));
    }
  }

  void end_slow() {
    for (const auto& [peer, line] : std::map(lines_)) {
      if (line->partial_bytes > 0 && line->partial_since.plus_ms(kFrameMs) <= clock_.now()) end(line);
    }
  }

  // --- out ---

  static Task<void> write(std::shared_ptr<Impl> self, LinePtr line, std::shared_ptr<Session> session) {
    auto opened = co_await session->open(self->config_.protocols);
    if (!opened || line->over) {
      self->end(line);
      co_return;
    }
    line->out = std::make_shared<Stream>(std::move(*opened));
    spawn(self->io_, watch(self, line));
    while (!line->over) {
      const Bytes frame = self->core_.next_frame(line->peer, self->clock_.now());
      if (frame.empty()) {
        co_await line->wake.wait();
        continue;
      }
      Bytes framed;
      append_varint(framed, frame.size());
      append_bytes(framed, frame);
      if (!co_await line->out->write(framed)) break;
    }
    self->end(line);
  }

  // Nothing is ever said on a stream of ours: that it can be read means that it is over.
  static Task<void> watch(std::shared_ptr<Impl> self, LinePtr line) {
    std::uint8_t byte = 0;
    (void)co_await line->out->read(std::span(&byte, 1));
    self->end(line);
  }

  // --- in ---

  static Task<void> serve(std::weak_ptr<Impl> weak, Stream stream) {
    const auto self = weak.lock();
    if (!self || self->stopped_) co_return;
    const auto session = stream.session();
    const LinePtr line = self->line_with(session, stream.protocol());
    if (!line) co_return;
    const auto in = std::make_shared<Stream>(std::move(stream));
    if (line->in) line->in->reset();
    line->in = in;
    self->set_partial(*line, 0);  // what the one before had begun goes with it
    const Status status = co_await read(self, line, in);
    if (!status) session->close(status.error());
  }

  static Task<Status> read(std::shared_ptr<Impl> self, LinePtr line, std::shared_ptr<Stream> in) {
    ByteQueue buffer;
    while (!line->over && line->in == in) {
      const auto size = co_await in->read(buffer.prepare(kFrameReadBytes));
      if (!size || *size == 0) break;
      buffer.commit(*size);
      while (true) {
        while (self->is_full(*line) && !line->over && line->in == in) co_await line->room.wait();
        if (line->over || line->in != in) co_return Status();
        const auto taken = self->take_frame(*line, buffer);
        if (!taken) co_return std::unexpected(taken.error());
        if (!*taken) break;
      }
      buffer.release(kKeptFrameBufferBytes);
      self->set_partial(*line, buffer.size());
      self->end_largest();
    }
    if (line->in == in) self->set_partial(*line, 0);
    co_return Status();
  }

  [[nodiscard]] bool is_full(const FrameLine& line) const {
    if (line.inbox.empty()) return false;
    return line.inbox.size() >= kMaxInboxFrames || line.inbox_bytes >= kMaxInboxBytes ||
           inbox_bytes_ >= kMaxInboxesBytes;
  }

  void set_partial(FrameLine& line, std::size_t bytes) {
    if (line.partial_bytes == 0 && bytes > 0) line.partial_since = clock_.now();
    if (line.over) return;
    partial_bytes_ += bytes - line.partial_bytes;
    line.partial_bytes = bytes;
  }

  // Who has begun most begins again later: one that has little is not who fills the memory.
  void end_largest() {
    while (partial_bytes_ > kMaxPartialBytes) {
      const auto most = std::ranges::max_element(lines_, {}, [](const auto& one) { return one.second->partial_bytes; });
      end(LinePtr(most->second));
    }
  }

  // Moves one whole frame to the inbox; false while bytes are missing.
  Result<bool> take_frame(FrameLine& line, ByteQueue& buffer) {
    const auto length = TRY(read_varint(buffer.view()));
    if (!length) return false;
    if (length->value > config_.max_frame_bytes) return fail(Fault::kInvalid, "a frame is longer than any may be");
    const std::size_t bytes = length->bytes + static_cast<std::size_t>(length->value);
    if (buffer.size() < bytes) return false;
    line.inbox.push_back(to_bytes(buffer.view().subspan(length->bytes, bytes - length->bytes)));
    line.inbox_bytes += line.inbox.back().size();
    inbox_bytes_ += line.inbox.back().size();
    set_partial(line, 0);  // another one begins
    buffer.consume(bytes);
    work_soon();
    return true;
  }

  void work_soon() {
    if (std::exchange(work_posted_, true)) return;
    asio::post(io_, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->work_posted_ = false;
      if (!self->stopped_) self->work();
    });
  }

  // One frame of each peer in turn, beginning behind the peer that was last.
  void work() {
    const Instant until{clock_.now().ns + kTurnNs};
    for (std::size_t handled = 0; handled < kFramesATurn && clock_.now() <= until; ++handled) {
      const LinePtr line = next_line();
      if (!line) break;
      const Bytes frame = std::move(line->inbox.front());
      line->inbox.pop_front();
      line->inbox_bytes -= frame.size();
      inbox_bytes_ -= frame.size();
      line->room.notify();
      const auto in = line->in;
      const auto session = in ? in->session() : nullptr;
      const Instant begun = session ? session->now() : Instant();
      const Status status = core_.on_frame(line->peer, frame, clock_.now());
      if (session) session->worked(in->protocol(), begun);
      if (!status && session) session->close(status.error());
    }
    if (next_line()) work_soon();
    told();
  }

  LinePtr next_line() {
    if (lines_.empty()) return nullptr;
    auto at = lines_.upper_bound(last_handled_);
    for (std::size_t n = 0; n < lines_.size(); ++n, ++at) {
      if (at == lines_.end()) at = lines_.begin();
      if (at->second->inbox.empty()) continue;
      last_handled_ = at->first;
      return at->second;
    }
    return nullptr;
  }

  void told() {
    poke();
    tell_manager();
    if (changed_) changed_();
  }

  void keep_time() {
    const Instant at = core_.next_deadline();
    if (timer_armed_ && at == timer_at_) return;
    timer_armed_ = true;
    timer_at_ = at;
    const std::uint64_t now_ns = clock_.now().ns;
    const std::uint64_t wait_ns = at.ns > now_ns ? std::min(at.ns - now_ns, kMostWaitNs) : 0;
    timer_.expires_after(std::chrono::nanoseconds(wait_ns));
    timer_.async_wait([weak = weak_from_this()](const error_code& error) {
      const auto self = weak.lock();
      if (error || !self || self->stopped_) return;
      self->timer_armed_ = false;
      self->core_.expire(self->clock_.now());
      self->told();
    });
  }

  asio::io_context& io_;
  Host& host_;
  const Clock& clock_;
  FrameProtocol& core_;
  FrameServiceConfig config_;
  std::function<void()> changed_;
  std::map<PeerId, LinePtr> lines_;
  PeerId last_handled_;
  std::size_t inbox_bytes_ = 0;
  std::size_t partial_bytes_ = 0;
  asio::steady_timer timer_;
  asio::steady_timer retry_timer_;
  Instant timer_at_;
  Instant told_manager_;
  bool timer_armed_ = false;
  bool work_posted_ = false;
  bool stopped_ = false;
};

FrameService::FrameService(asio::io_context& io, Host& host, const Clock& clock, FrameProtocol& core,
                           FrameServiceConfig config, std::function<void()> changed)
    : impl_(std::make_shared<Impl>(io, host, clock, core, std::move(config), std::move(changed))) {
  impl_->begin();
}
FrameService::~FrameService() {
  impl_->stop();
}
void FrameService::poke() {
  impl_->poke();
}
std::size_t FrameService::lines() const {
  return impl_->lines();
}

}  // namespace micro::p2p
