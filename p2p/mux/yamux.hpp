// yamux: many streams over one ordered connection, each with its own credit (hashicorp/yamux, spec.md; the points where
// live peers differ from it are in this folder's README). Bytes in, bytes out; no sockets, no clock of its own.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "chain/base/clock.hpp"
#include "p2p/mux/memory_pool.hpp"
#include "p2p/wire/byte_queue.hpp"
#include "p2p/wire/stream_class.hpp"

namespace micro::p2p {

inline constexpr std::string_view kYamuxProtocol = "/yamux/1.0.0";
inline constexpr std::size_t kYamuxHeaderBytes = 12;
inline constexpr std::uint32_t kYamuxWindowBytes = 256 * 1'024;  ///< of each stream at its start: fixed by the protocol
inline constexpr std::uint32_t kYamuxMaxWindowBytes = 1'024 * 1'024;
inline constexpr std::size_t kYamuxGrowthBytes =
    kConnectionUsualBytes / 2;  ///< all windows of a connection above their start, at most
inline constexpr std::size_t kYamuxFrameBytes =
    65'507;  ///< payload of a frame: with its header it fits a Noise message
inline constexpr std::size_t kYamuxQueuedBytes = 256 * 1'024;  ///< writers wait while more is queued, of each class
inline constexpr std::size_t kYamuxInteractiveRunBytes =
    256 * 1'024;                                                     ///< then waiting bulk has a turn: a fifth at least
inline constexpr std::size_t kYamuxLeastQueuedBytes = 16 * 1'024;    ///< however little memory is left
inline constexpr std::size_t kYamuxQueuedControlBytes = 64 * 1'024;  ///< above it; a peer that reads nothing is cut off
inline constexpr std::size_t kYamuxMaxInboundStreams = 128;
inline constexpr std::size_t kYamuxMaxOutboundStreams = 1'024;
inline constexpr std::size_t kYamuxMaxUnacknowledged = 256;
inline constexpr unsigned kYamuxGrowWithinRtts = 4;

using StreamId = std::uint32_t;

enum class GoAway : std::uint32_t { kNormal = 0, kProtocolError = 1, kInternalError = 2 };

struct MuxEvent {
  enum class Kind : std::uint8_t {
    kOpened,    ///< the other side opened this stream
    kReadable,  ///< bytes or the end; comes again only after a read
    kWritable,  ///< a write that took less than everything may go on
    kReset,     ///< given up by the other side, or by us since too much of it was unread
    kPong,      ///< of our ping; `value` is what it carried
    kGoAway,    ///< no new streams; `value` is the reason
  };
  Kind kind = Kind::kReadable;
  StreamId stream = 0;
  std::uint32_t value = 0;
  bool operator==(const MuxEvent&) const = default;
};

class Yamux {
 public:
  /// The dialer opens odd streams, the listener even ones.
  explicit Yamux(bool dialer) : next_id_(dialer ? 1 : 2) {}

  /// Takes all of it. An error ends the connection; a GoAway that names it is then in the output.
  Status receive(ByteView input, Instant now);
  /// What happened since; the caller clears it.
  std::vector<MuxEvent>& events() { return events_; }
  /// What to send next: whole frames, at most so many bytes; a frame that does not fit alone is cut. Interactive frames
  /// go before bulk. Nothing is to be written between this and `sent`.
  ByteView next_output(std::size_t max_bytes);
  /// So much of it was sent. It may cause events.
  void sent(std::size_t bytes);
  [[nodiscard]] std::size_t output_bytes() const { return urgent_.size() + bulk_.size(); }

  /// kBusy over the limits, kUnreachable after a GoAway.
  Result<StreamId> open(StreamClass of = StreamClass::kInteractive);
  /// From now on; its frames stay in their order. Bulk stays bulk.
  void set_class(StreamId id, StreamClass of);
  /// What this connection may hold. Above it the stream with the most unread bytes is given up: yamux lets the other
  /// side send a window on each stream it opens, and there is no way to refuse less than a stream.
  void set_budget(std::size_t bytes) { budget_bytes_ = bytes; }
  /// How much of it was taken; for the rest wait for kWritable. Urgent bytes are taken beyond what may be queued.
  std::size_t write(StreamId id, ByteView bytes, bool urgent = false);
  /// No more from us; reading goes on.
  void finish(StreamId id);
  /// Gives the stream up in both directions and forgets it. Twice is once.
  void reset(StreamId id);
  /// The holder is done: forgets the stream, with a reset unless both sides had finished.
  void release(StreamId id);
  /// What may be read now.
  [[nodiscard]] ByteView readable(StreamId id) const;
  /// The reader is done with so much of it; the other side gets credit for it.
  void consume(StreamId id, std::size_t bytes, Instant now);
  /// Everything was read and no more comes.
  [[nodiscard]] bool at_end(StreamId id) const;
  /// False too once it was reset.
  [[nodiscard]] bool exists(StreamId id) const;

  void ping(std::uint32_t value);
  void go_away(GoAway reason);
  /// For the growth of windows; zero: unknown, they stay.
  void set_rtt_ns(std::uint64_t ns) { rtt_ns_ = ns; }
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }
  /// Bytes of interactive streams came or were written since the last time that this was asked.
  bool take_urgent_moved() { return std::exchange(urgent_moved_, false); }
  /// Bytes held for readers and the socket, for memory budgets.
  [[nodiscard]] std::size_t held_bytes() const { return urgent_.capacity() + bulk_.capacity() + unread_capacity_; }
  /// More is held than a connection usually needs: nothing is made larger, and reading may wait.
  [[nodiscard]] bool holds_much() const { return held_bytes() > usual_bytes(); }
  /// Gives back memory of queues that are empty.
  void release_memory();

 private:
  struct Stream {
    std::uint64_t send_window = kYamuxWindowBytes;
    std::uint32_t credit = kYamuxWindowBytes;  // what the other side may still send
    std::uint32_t window = kYamuxWindowBytes;  // what it may have sent and not seen read
    std::uint32_t owed = 0;                    // read since the last update
    Instant last_update;
    ByteQueue in;
    StreamClass of = StreamClass::kInteractive;
    std::uint64_t bulk_behind = 0;  // so much of what is urgent has to leave before anything of it among the bulk
    bool outbound = false;
    bool acknowledged = false;
    bool remote_finished = false;
    bool finished = false;
    bool signalled = false;  // kReadable was said and nothing read since
    bool waits = false;      // for kWritable
    bool queued = false;     // in one of the lists of blocked ones
  };
  struct Header;

  Status on_header(const Header& header, Instant now);
  Status on_stream_frame(const Header& header);
  Status on_open(const Header& header);
  Status on_ping(const Header& header);
  void on_data(ByteView bytes);
  void shed();
  void release_input(Stream& stream, std::size_t keep_bytes);
  [[nodiscard]] std::size_t queue_bytes() const;
  [[nodiscard]] std::size_t usual_bytes() const { return std::min(budget_bytes_, kConnectionUsualBytes) / 2; }
  void signal_readable(StreamId id, Stream& stream);
  void forget(StreamId id);
  Stream* find(StreamId id);
  [[nodiscard]] const Stream* find(StreamId id) const;
  void give_credit(StreamId id, Stream& stream, Instant now);
  void frame(std::uint8_t type, std::uint16_t flags, StreamId id, std::uint32_t length);
  void frame_into(ByteQueue& queue, std::uint8_t type, std::uint16_t flags, StreamId id, std::uint32_t length);
  ByteQueue& queue_of(const Stream& stream);
  void wake(std::vector<StreamId>& blocked, const ByteQueue& queue);
  Status control_room() const;

  StreamId next_id_;
  std::map<StreamId, Stream> streams_;
  std::size_t inbound_ = 0;
  std::size_t unacknowledged_ = 0;
  std::size_t grown_bytes_ = 0;
  std::size_t unread_capacity_ = 0;  // of all streams
  std::size_t budget_bytes_ = kConnectionHeldBytes;
  std::uint64_t rtt_ns_ = 0;
  bool remote_gone_ = false;
  std::vector<StreamId> blocked_[2];  // by the queue of their class, in their order
  std::vector<MuxEvent> events_;
  ByteQueue urgent_;  // of interactive streams, and what both sides need to go on
  ByteQueue bulk_;
  std::uint64_t urgent_sent_ = 0;     // bytes ever
  std::size_t urgent_run_bytes_ = 0;  // sent while bulk waited
  bool from_bulk_ = false;            // the frame on its way
  std::size_t frame_left_ = 0;        // of it
  bool urgent_moved_ = false;

  std::array<std::uint8_t, kYamuxHeaderBytes> header_{};  // of which bytes are missing
  std::size_t header_bytes_ = 0;
  StreamId body_stream_ = 0;
  std::uint32_t body_left_ = 0;
};

/// How many bytes of whole frames from the front fit into `max_bytes`; a first frame that does not fit is cut.
std::size_t whole_frames(ByteView frames, std::size_t max_bytes);

}  // namespace micro::p2p
