#include "p2p/mux/yamux.hpp"

#include <algorithm>

#include "chain/base/check.hpp"

namespace micro::p2p {
namespace {

enum : std::uint8_t { kData = 0, kWindowUpdate = 1, kPing = 2, kGoAwayType = 3 };
enum : std::uint16_t { kSyn = 1, kAck = 2, kFin = 4, kRst = 8 };
constexpr std::uint64_t kMaxSendWindowBytes = UINT32_MAX;
constexpr std::size_t kKeptQueueBytes = 1'024;

std::uint32_t big_endian(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[0]) << 24 | static_cast<std::uint32_t>(at[1]) << 16 |
         static_cast<std::uint32_t>(at[2]) << 8 | at[3];
}
void put_big_endian(std::uint8_t* at, std::uint32_t value) {
  for (unsigned n = 0; n < 4; ++n) at[n] = static_cast<std::uint8_t>(value >> (24 - 8 * n));
}

// Of the frame of ours at the front.
std::size_t frame_bytes(ByteView frames) {
  return kYamuxHeaderBytes + (frames[1] == kData ? big_endian(frames.data() + 8) : 0);
}

}  // namespace

struct Yamux::Header {
  std::uint8_t version = 0;
  std::uint8_t type = 0;
  std::uint16_t flags = 0;
  StreamId stream = 0;
  std::uint32_t length = 0;

  static Header read(const std::uint8_t* at) {
    return {.version = at[0],
            .type = at[1],
            .flags = static_cast<std::uint16_t>(at[2] << 8 | at[3]),
            .stream = big_endian(at + 4),
            .length = big_endian(at + 8)};
  }
};

// --- input ---

Status Yamux::receive(ByteView input, Instant now) {
  while (!input.empty()) {
    if (body_left_ > 0) {
      const ByteView here = input.first(std::min<std::size_t>(body_left_, input.size()));
      on_data(here);
      body_left_ -= static_cast<std::uint32_t>(here.size());
      input = input.subspan(here.size());
      continue;
    }
    const std::size_t more = std::min(kYamuxHeaderBytes - header_bytes_, input.size());
    std::memcpy(header_.data() + header_bytes_, input.data(), more);
    header_bytes_ += more;
    input = input.subspan(more);
    if (header_bytes_ < kYamuxHeaderBytes) return {};
    header_bytes_ = 0;
    if (auto status = on_header(Header::read(header_.data()), now); !status) {
      go_away(GoAway::kProtocolError);
      return status;
    }
  }
  return {};
}

Status Yamux::on_header(const Header& header, Instant now) {
  TRY(control_room());
  if (header.version != 0) return fail(Fault::kInvalid, "a frame of another version of yamux");
  switch (header.type) {
    case kData:
    case kWindowUpdate: {
      if ((header.flags & kSyn) != 0) TRY(on_open(header));
      Stream* opened = find(header.stream);
      if ((header.flags & kSyn) != 0 && opened != nullptr) opened->last_update = now;
      return on_stream_frame(header);
    }
    case kPing:
      return on_ping(header);
    case kGoAwayType:
      remote_gone_ = true;
      events_.push_back({.kind = MuxEvent::Kind::kGoAway, .value = header.length});
      return {};
    default:
      return fail(Fault::kInvalid, "a frame of an unknown type");
  }
}

Status Yamux::on_open(const Header& header) {
  const bool theirs = header.stream != 0 && header.stream % 2 != next_id_ % 2;
  if (!theirs || find(header.stream) != nullptr) return fail(Fault::kInvalid, "a stream with an id that is not free");
  if (inbound_ == kYamuxMaxInboundStreams) {
    frame(kWindowUpdate, kRst, header.stream, 0);
    return {};
  }
  ++inbound_;
  streams_[header.stream].acknowledged = true;
  frame(kWindowUpdate, kAck, header.stream, 0);
  events_.push_back({.kind = MuxEvent::Kind::kOpened, .stream = header.stream});
  return {};
}

Status Yamux::on_stream_frame(const Header& header) {
  const StreamId id = header.stream;
  Stream* stream = find(id);
  if (header.type == kData) {
    body_stream_ = id;
    body_left_ = header.length;
  }
  if (stream == nullptr) return {};  // given up while this was on its way; its bytes are passed over
  if ((header.flags & kAck) != 0 && !std::exchange(stream->acknowledged, true)) --unacknowledged_;
  if ((header.flags & kRst) != 0) {  // its length is a code, never credit
    forget(id);
    events_.push_back({.kind = MuxEvent::Kind::kReset, .stream = id, .value = header.length});
    return {};
  }
  if (header.type == kWindowUpdate && header.length > 0) {
    stream->send_window += header.length;
    if (stream->send_window > kMaxSendWindowBytes) return fail(Fault::kInvalid, "more credit than a window can hold");
    if (std::exchange(stream->waits, false)) events_.push_back({.kind = MuxEvent::Kind::kWritable, .stream = id});
  }
  if (header.type == kData && header.length > 0) {
    if (stream->remote_finished) return fail(Fault::kInvalid, "data behind the end of a stream");
    if (header.length > stream->credit) return fail(Fault::kInvalid, "more data than the window allows");
    stream->credit -= header.length;
  }
  if ((header.flags & kFin) != 0) {
    stream->remote_finished = true;
    if (body_left_ == 0) signal_readable(id, *stream);
  }
  return {};
}

Status Yamux::on_ping(const Header& header) {
  if ((header.flags & kAck) != 0) {
    events_.push_back({.kind = MuxEvent::Kind::kPong, .value = header.length});
    return {};
  }
  frame(kPing, kAck, 0, header.length);
  return {};
}

void Yamux::on_data(ByteView bytes) {
  Stream* stream = find(body_stream_);
  if (stream == nullptr) return;
  unread_capacity_ -= stream->in.capacity();
  stream->in.append(bytes);
  urgent_moved_ = urgent_moved_ || stream->of == StreamClass::kInteractive;
  unread_capacity_ += stream->in.capacity();
  signal_readable(body_stream_, *stream);
  if (held_bytes() > budget_bytes_) shed();
}

// What readers leave behind goes first, then the streams whose readers are furthest behind.
void Yamux::shed() {
  for (auto& [id, stream] : streams_) release_input(stream, 0);
  while (held_bytes() > budget_bytes_ && unread_capacity_ > 0) {
    const auto most =
        std::ranges::max_element(streams_, {}, [](const auto& entry) { return entry.second.in.capacity(); });
    const StreamId id = most->first;
    reset(id);
    events_.push_back({.kind = MuxEvent::Kind::kReset, .stream = id});
  }
}

void Yamux::release_input(Stream& stream, std::size_t keep_bytes) {
  unread_capacity_ -= stream.in.capacity();
  stream.in.release(keep_bytes);
  unread_capacity_ += stream.in.capacity();
}

void Yamux::signal_readable(StreamId id, Stream& stream) {
  if (!std::exchange(stream.signalled, true)) events_.push_back({.kind = MuxEvent::Kind::kReadable, .stream = id});
}

// A peer that makes us answer and reads nothing would let the queue grow for ever: any frame may cause an answer.
Status Yamux::control_room() const {
  // The last write that was let in may be a whole frame above what writers may queue.
  constexpr std::size_t kMost = kYamuxQueuedBytes + kYamuxFrameBytes + kYamuxQueuedControlBytes;
  if (urgent_.size() < kMost && bulk_.size() < kMost) return {};
  return fail(Fault::kLimit, "the other side asks and does not read the answers");
}

// --- output ---

void Yamux::frame(std::uint8_t type, std::uint16_t flags, StreamId id, std::uint32_t length) {
  frame_into(urgent_, type, flags, id, length);
}

void Yamux::frame_into(ByteQueue& queue, std::uint8_t type, std::uint16_t flags, StreamId id, std::uint32_t length) {
  std::uint8_t* const at = queue.prepare(kYamuxHeaderBytes).data();
  at[0] = 0;
  at[1] = type;
  at[2] = static_cast<std::uint8_t>(flags >> 8);
  at[3] = static_cast<std::uint8_t>(flags);
  put_big_endian(at + 4, id);
  put_big_endian(at + 8, length);
  queue.commit(kYamuxHeaderBytes);
}

// A stream that became bulk goes on among the urgent until its frames there have left: none overtakes another.
ByteQueue& Yamux::queue_of(const Stream& stream) {
  return stream.of == StreamClass::kBulk && urgent_sent_ >= stream.bulk_behind ? bulk_ : urgent_;
}

std::size_t Yamux::queue_bytes() const {
  return std::clamp(budget_bytes_ / 4, kYamuxLeastQueuedBytes, kYamuxQueuedBytes);
}

ByteView Yamux::next_output(std::size_t max_bytes) {
  if (frame_left_ > 0) return (from_bulk_ ? bulk_ : urgent_).view().first(std::min(frame_left_, max_bytes));
  const bool bulk_has_a_turn = urgent_.empty() || urgent_run_bytes_ >= kYamuxInteractiveRunBytes;
  from_bulk_ = !bulk_.empty() && bulk_has_a_turn;
  const ByteView frames = from_bulk_ ? bulk_.view() : urgent_.view();
  return frames.first(whole_frames(frames, max_bytes));
}

void Yamux::sent(std::size_t bytes) {
  ByteQueue& queue = from_bulk_ ? bulk_ : urgent_;
  CHECK(bytes <= queue.size(), "no more than there was");
  if (frame_left_ == 0) {
    while (frame_left_ < bytes) frame_left_ += frame_bytes(queue.view().subspan(frame_left_));
  }
  frame_left_ -= bytes;
  queue.consume(bytes);
  if (from_bulk_) {
    urgent_run_bytes_ = 0;
  } else {
    urgent_sent_ += bytes;
    urgent_run_bytes_ = bulk_.empty() ? 0 : urgent_run_bytes_ + bytes;
  }
  wake(blocked_[0], urgent_);
  wake(blocked_[1], bulk_);
}

void Yamux::wake(std::vector<StreamId>& blocked, const ByteQueue& queue) {
  if (queue.size() >= queue_bytes() / 2) return;
  for (const StreamId id : blocked) {
    Stream* stream = find(id);
    if (stream == nullptr) continue;
    stream->queued = false;
    if (std::exchange(stream->waits, false)) events_.push_back({.kind = MuxEvent::Kind::kWritable, .stream = id});
  }
  blocked.clear();
}

Result<StreamId> Yamux::open(StreamClass of) {
  if (remote_gone_) return fail(Fault::kUnreachable, "the other side takes no new streams");
  if (unacknowledged_ >= kYamuxMaxUnacknowledged || streams_.size() - inbound_ >= kYamuxMaxOutboundStreams) {
    return fail(Fault::kBusy, "too many streams to one peer");
  }
  if (next_id_ > UINT32_MAX - 2) return fail(Fault::kLimit, "a connection that has used up its stream ids");
  const StreamId id = next_id_;
  next_id_ += 2;
  Stream& stream = streams_[id];
  stream.outbound = true;
  stream.of = of;
  ++unacknowledged_;
  frame_into(queue_of(stream), kWindowUpdate, kSyn, id, 0);
  return id;
}

void Yamux::set_class(StreamId id, StreamClass of) {
  Stream* stream = find(id);
  if (stream == nullptr || of == StreamClass::kInteractive || stream->of == of) return;
  stream->of = of;
  stream->bulk_behind = urgent_sent_ + urgent_.size();
}

std::size_t Yamux::write(StreamId id, ByteView bytes, bool urgent) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->finished) return 0;
  ByteQueue& queue = queue_of(*stream);
  const bool too_early = stream->of == StreamClass::kBulk && &queue == &urgent_;  // its first frames are leaving
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const bool full = !urgent && (too_early || queue.size() >= queue_bytes());
    const std::size_t size =
        std::min({bytes.size() - taken, static_cast<std::size_t>(stream->send_window), kYamuxFrameBytes});
    if (full || size == 0) {
      stream->waits = true;
      const std::size_t list = stream->of == StreamClass::kBulk ? 1 : 0;
      if (full && !std::exchange(stream->queued, true)) blocked_[list].push_back(id);
      break;
    }
    frame_into(queue, kData, 0, id, static_cast<std::uint32_t>(size));
    queue.append(bytes.subspan(taken, size));
    stream->send_window -= size;
    taken += size;
  }
  urgent_moved_ = urgent_moved_ || (taken > 0 && stream->of == StreamClass::kInteractive);
  return taken;
}

void Yamux::finish(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr || std::exchange(stream->finished, true)) return;
  frame_into(queue_of(*stream), kWindowUpdate, kFin, id, 0);
}

void Yamux::reset(StreamId id) {
  const Stream* stream = find(id);
  if (stream == nullptr) return;
  frame_into(queue_of(*stream), kWindowUpdate, kRst, id, 0);
  forget(id);
}

void Yamux::release(StreamId id) {
  const Stream* stream = find(id);
  if (stream == nullptr) return;
  if (stream->finished && stream->remote_finished) return forget(id);
  reset(id);
}

ByteView Yamux::readable(StreamId id) const {
  const Stream* stream = find(id);
  return stream == nullptr ? ByteView() : stream->in.view();
}

void Yamux::consume(StreamId id, std::size_t bytes, Instant now) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  stream->signalled = false;
  stream->in.consume(bytes);
  if (holds_much()) release_input(*stream, 0);
  stream->owed += static_cast<std::uint32_t>(bytes);
  if (stream->owed >= stream->window / 2 && !stream->remote_finished) give_credit(id, *stream, now);
}

void Yamux::give_credit(StreamId id, Stream& stream, Instant now) {
  // Half a window read within a few round trips: the window is what holds the sender up.
  const std::uint64_t since_ns = now.ns - stream.last_update.ns;
  std::uint32_t grow = 0;
  if (rtt_ns_ > 0 && since_ns < kYamuxGrowWithinRtts * rtt_ns_ && stream.window * 2 <= kYamuxMaxWindowBytes &&
      grown_bytes_ + stream.window <= kYamuxGrowthBytes && !holds_much()) {
    grow = stream.window;
    grown_bytes_ += grow;
    stream.window += grow;
  }
  frame(kWindowUpdate, 0, id, stream.owed + grow);
  stream.credit += stream.owed + grow;
  stream.owed = 0;
  stream.last_update = now;
}

bool Yamux::at_end(StreamId id) const {
  const Stream* stream = find(id);
  return stream != nullptr && stream->remote_finished && stream->in.empty() && (body_left_ == 0 || body_stream_ != id);
}

bool Yamux::exists(StreamId id) const {
  return find(id) != nullptr;
}

void Yamux::ping(std::uint32_t value) {
  frame(kPing, kSyn, 0, value);
}

void Yamux::go_away(GoAway reason) {
  frame(kGoAwayType, 0, 0, static_cast<std::uint32_t>(reason));
}

// --- streams ---

Yamux::Stream* Yamux::find(StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}
const Yamux::Stream* Yamux::find(StreamId id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

void Yamux::forget(StreamId id) {
  const auto found = streams_.find(id);
  const Stream& stream = found->second;
  grown_bytes_ -= stream.window - kYamuxWindowBytes;
  if (!stream.outbound) --inbound_;
  if (!stream.acknowledged) --unacknowledged_;
  if (stream.queued) {
    for (auto& blocked : blocked_) std::erase(blocked, id);
  }
  unread_capacity_ -= stream.in.capacity();
  streams_.erase(found);
}

void Yamux::release_memory() {
  urgent_.release(kKeptQueueBytes);
  bulk_.release(kKeptQueueBytes);
  for (auto& [id, stream] : streams_) release_input(stream, kKeptQueueBytes);
}

std::size_t whole_frames(ByteView frames, std::size_t max_bytes) {
  std::size_t end = 0;
  while (frames.size() - end >= kYamuxHeaderBytes) {
    const std::size_t size = frame_bytes(frames.subspan(end));
    if (end + size > max_bytes) break;
    end += size;
  }
  return end > 0 ? end : std::min(frames.size(), max_bytes);
}

}  // namespace micro::p2p
