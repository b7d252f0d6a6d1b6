// One connection from its first byte: multistream, Noise, the muxer (from the handshake, else by multistream inside the
// channel), yamux, and multistream once more on each stream. Bytes in, bytes out, events; no sockets, no clock. The
// same machine runs over a socket and in a simulator.
#pragma once

#include "p2p/mux/multistream.hpp"
#include "p2p/mux/yamux.hpp"
#include "p2p/noise/channel.hpp"

namespace micro::p2p {

inline constexpr std::size_t kLeastReadBytes = 2 * 1'024;   ///< what an idle connection reads at once
inline constexpr std::size_t kMostReadBytes = 128 * 1'024;  ///< and one whose reads are filled
inline constexpr std::size_t kSealedBytes = 128 * 1'024;    ///< sealed for the socket at once, about

struct ConnectionEvent {
  enum class Kind : std::uint8_t {
    kSecured,   ///< the other side is known and streams may be opened
    kInbound,   ///< a stream of theirs that agreed on a protocol of ours
    kAgreed,    ///< a stream of ours that agreed
    kRefused,   ///< a stream of ours whose protocols nobody speaks there; it is gone
    kReadable,  ///< see MuxEvent, for this and the following
    kWritable,
    kReset,
    kPong,
    kGoAway,
  };
  Kind kind = Kind::kSecured;
  StreamId stream = 0;
  std::uint32_t value = 0;
  bool operator==(const ConnectionEvent&) const = default;
};

class Connection {
 public:
  /// `protocols` are those whose streams are accepted; the set outlives the connection and may change.
  Connection(NoiseConfig config, const ProtocolSet& protocols);

  void start();
  /// Where the next bytes from the socket go; then `commit` says how many came. An error ends the connection: what is
  /// queued may still be sent.
  std::span<std::uint8_t> prepare();
  Status commit(std::size_t bytes, Instant now);
  /// Moves bytes for the socket into `out`, which is empty; false when there are none. It may cause events.
  bool take_output(ByteQueue& out);
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
  Result<StreamId> open(std::vector<std::string> proposals);
  /// What an inbound or agreed stream speaks; asked once, after its event.
  std::string take_protocol(StreamId id);
  /// Gives a stream up, in negotiation too.
  void reset(StreamId id);
  /// Still negotiating: nothing of it may be read.
  [[nodiscard]] bool negotiating(StreamId id) const { return negotiations_.contains(id); }
  [[nodiscard]] std::size_t held_bytes() const;
  /// Gives back what is not in use; not the room that `prepare` gave and nobody committed yet.
  void release_memory();
  /// Gives back that room too: nobody reads into it any more.
  void release_input();
  [[nodiscard]] std::size_t input_bytes() const { return in_.capacity(); }

 private:
  enum class Stage : std::uint8_t { kChoosingSecurity, kHandshake, kChoosingMuxer, kOpen };

  Status step(Instant now, bool& moved);
  Status choose_security();
  Status on_frame(std::span<std::uint8_t> plain, Instant now);
  Status after_handshake();
  Status choose_muxer(ByteView plain, Instant now);
  void opened();
  void translate(Instant now);
  void on_stream_bytes(StreamId id, Instant now);
  void seal_queued();

  Role role_;
  const ProtocolSet& protocols_;
  NoiseChannel channel_;
  Multistream negotiation_;  // of security, then of the muxer
  Yamux mux_;
  Stage stage_ = Stage::kChoosingSecurity;
  bool muxer_from_handshake_ = false;
  std::map<StreamId, Multistream> negotiations_;
  std::map<StreamId, std::string> agreed_;  // until somebody asks
  ByteQueue in_;
  ByteQueue wire_;
  ByteQueue plain_;  // of the choice of the muxer
  std::size_t read_bytes_ = kLeastReadBytes;
  std::size_t offered_bytes_ = 0;
  std::vector<ConnectionEvent> events_;
};

}  // namespace micro::p2p
