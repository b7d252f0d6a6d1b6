// One connection from its first byte: multistream, Noise, the muxer (from the handshake, else by multistream inside the
// channel), yamux, and multistream once more on each stream; its deadlines and what it may hold. Bytes in, bytes out,
// events; no sockets, time is an argument. The same machine runs over a socket and in a simulator.
#pragma once

#include "p2p/mux/multistream.hpp"
#include "p2p/mux/yamux.hpp"
#include "p2p/noise/channel.hpp"

namespace micro::p2p {

inline constexpr std::size_t kLeastReadBytes = 2 * 1'024;   ///< what an idle connection reads at once
inline constexpr std::size_t kMostReadBytes = 128 * 1'024;  ///< and one whose reads are filled
inline constexpr std::size_t kSealedBytes = 128 * 1'024;    ///< sealed for the socket at once, about
inline constexpr std::uint64_t kHandshakeMs = 5'000;        ///< from the first byte until streams may be opened
inline constexpr std::uint64_t kNegotiationMs = 10'000;     ///< from a stream's first byte until its protocol is agreed
inline constexpr std::uint64_t kKeepAliveMs = 30'000;       ///< between pings of ours
inline constexpr std::uint64_t kPongMs = 20'000;            ///< for the answer

struct ConnectionEvent {
  enum class Kind : std::uint8_t {
    kSecured,   ///< the other side is known and streams may be opened
    kInbound,   ///< a stream of theirs that agreed on a protocol of ours
    kAgreed,    ///< a stream of ours that agreed
    kRefused,   ///< a stream of ours whose protocols nobody speaks there; it is gone
    kReadable,  ///< see MuxEvent, for this and the following
    kWritable,
    kReset,
    kGoAway,
  };
  Kind kind = Kind::kSecured;
  StreamId stream = 0;
  std::uint32_t value = 0;
  bool operator==(const ConnectionEvent&) const = default;
};

class Connection {
 public:
  /// `protocols` are those whose streams are accepted; the set outlives the connection and may change. `pool` outlives
  /// it too.
  Connection(NoiseConfig config, const ProtocolSet& protocols, MemoryPool& pool);

  void start(Instant now);
  /// Deadlines and pings: to be called about once a second. An error ends the connection.
  Status sweep(Instant now);
  /// Where the next bytes from the socket go, so many at most; then `commit` says how many came. An error ends the
  /// connection: what is queued may still be sent.
  std::span<std::uint8_t> prepare(std::size_t max_bytes = kMostReadBytes);
  Status commit(std::size_t bytes, Instant now);
  /// Moves bytes for the socket into `out`, which is empty; false when there are none. It may cause events. About so
  /// many are sealed, in messages of no more.
  bool take_output(ByteQueue& out, std::size_t enough_bytes = kSealedBytes);
  /// What happened since; the caller clears it.
  std::vector<ConnectionEvent>& events() { return events_; }

  [[nodiscard]] bool secured() const { return stage_ == Stage::kOpen; }
  /// These hold once secured.
  [[nodiscard]] const PeerId& remote_peer() const { return channel_.remote_peer(); }
  [[nodiscard]] const IdentityKey& remote_key() const { return channel_.remote_key(); }
  [[nodiscard]] bool muxer_from_handshake() const { return muxer_from_handshake_; }
  Yamux& mux() { return mux_; }
  [[nodiscard]] const Yamux& mux() const { return mux_; }

  /// A stream for the first of these that the other side speaks; kAgreed or kRefused follows. What is written before
  /// travels in the same flight, which makes sense for one proposal only.
  Result<StreamId> open(std::vector<std::string> proposals, Instant now, StreamClass of = StreamClass::kInteractive);
  /// What an inbound or agreed stream speaks; asked once, after its event.
  std::string take_protocol(StreamId id);
  /// Gives a stream up, in negotiation too.
  void reset(StreamId id);
  /// Still negotiating: nothing of it may be read.
  [[nodiscard]] bool negotiating(StreamId id) const { return negotiations_.contains(id); }
  /// Of the last ping; 0 before the first answer.
  [[nodiscard]] std::uint64_t round_trip_ns() const { return round_trip_ns_; }
  /// All memory for bytes of this connection, what `take_output` handed out included.
  [[nodiscard]] std::size_t held_bytes() const;
  /// Much is unread already: while the socket takes no output either, reading more would only pile up.
  [[nodiscard]] bool behind() const { return mux_.holds_much(); }
  /// Gives back what is not in use, the buffer of the last output included; not the room that `prepare` gave and nobody
  /// committed yet.
  void release_memory();
  /// Gives back that room too: nobody reads into it any more.
  void release_input();
  [[nodiscard]] std::size_t input_bytes() const { return in_.capacity(); }

 private:
  struct Negotiation {
    Multistream machine;
    Instant since;
  };
  enum class Stage : std::uint8_t { kChoosingSecurity, kHandshake, kChoosingMuxer, kOpen };

  Status step(Instant now, bool& moved);
  Status choose_security();
  Status on_frame(std::span<std::uint8_t> plain, Instant now);
  Status after_handshake(Instant now);
  Status choose_muxer(ByteView plain, Instant now);
  void opened(Instant now);
  void ping(Instant now);
  void on_pong(std::uint32_t value, Instant now);
  [[nodiscard]] std::uint32_t next_ping_value() const;
  void translate(Instant now);
  void on_stream_bytes(StreamId id, Instant now);
  void give_up(StreamId id);
  void account();
  void seal_queued(std::size_t enough_bytes);

  Role role_;
  const ProtocolSet& protocols_;
  Hash ping_secret_;  // so that nobody answers before he was asked
  NoiseChannel channel_;
  Multistream negotiation_;  // of security, then of the muxer
  Yamux mux_;
  Stage stage_ = Stage::kChoosingSecurity;
  bool muxer_from_handshake_ = false;
  std::map<StreamId, Negotiation> negotiations_;
  std::map<StreamId, std::string> agreed_;  // until somebody asks
  ByteQueue in_;
  ByteQueue wire_;
  ByteQueue plain_;  // of the choice of the muxer
  std::size_t read_bytes_ = kLeastReadBytes;
  std::size_t offered_bytes_ = 0;
  std::size_t lent_bytes_ = 0;  // of the buffer that the last output went out in
  MemoryShare share_;
  Instant started_;
  Instant pinged_;
  bool pong_missing_ = false;
  std::uint32_t ping_value_ = 0;  // of the last one
  std::uint64_t round_trip_ns_ = 0;
  std::vector<ConnectionEvent> events_;
};

}  // namespace micro::p2p
