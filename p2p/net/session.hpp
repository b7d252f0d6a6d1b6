// A connection with its socket: reads, writes, keeps alive, hands streams to handlers. Lives on one thread.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>

#include "p2p/net/stream.hpp"
#include "p2p/peers/budgets.hpp"
#include "p2p/peers/peer_view.hpp"
#include "p2p/peers/turns.hpp"
#include "p2p/wire/identify.hpp"

namespace micro::p2p {

inline constexpr std::uint64_t kTickMs = 1'000;              ///< deadlines are looked at this often
inline constexpr std::uint64_t kIdleMs = 10'000;             ///< without a byte, until buffers are given back
inline constexpr std::size_t kUnsentBytes = 128 * 1'024;     ///< in the kernel at most: what is urgent waits behind it
inline constexpr std::uint64_t kMostWorkNs = 1'000'000'000;  ///< of one piece: a machine that stood still is no work
inline constexpr unsigned kStepsBack = 2;                    ///< of a long turn, behind what others wait for
inline constexpr std::size_t kLongTurnBytes = 4 * 1'024;     ///< from here a turn is one that others are held up by
inline constexpr std::size_t kIdleInputBytes = 8 * 1'024;    ///< an idle connection keeps no more to read into

/// What a session needs of its host, which outlives it or has stopped it.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  virtual void secured(const std::shared_ptr<Session>& session) = 0;
  virtual void closed(const std::shared_ptr<Session>& session) = 0;
  virtual void inbound(Stream stream) = 0;
  virtual void identified(const Session& session) = 0;
  virtual void swept(const std::shared_ptr<Session>& session) = 0;
  /// It spent so much. When to read from it again.
  virtual Instant charge(const Session& session, Spending spent) = 0;
  /// A part of the same that a protocol spent. When to serve it to this session's peer again.
  virtual Instant charge_protocol(const Session& session, std::string_view protocol, Spending spent) = 0;
  /// Bytes of interactive streams moved on it just now.
  virtual void urgent_moved(const Session& /*session*/) {}
  /// How much it may do until others have their turn.
  [[nodiscard]] virtual std::size_t turn_bytes(const Session& /*session*/) const { return kTurnBytes; }
  [[nodiscard]] virtual Instant now() const = 0;
};

class Session final : public std::enable_shared_from_this<Session> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  /// `protocols` outlives it. The pool is shared since whoever holds a stream may outlive the host.
  Session(std::weak_ptr<SessionOwner> owner, Socket socket, NoiseConfig config, const ProtocolSet& protocols,
          std::shared_ptr<MemoryPool> pool);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start();
  /// kUnreachable with the reason where it closed before.
  Task<Status> wait_secured();
  /// A stream on which the first of these that is spoken there was agreed; kNotFound where none is.
  Task<Result<Stream>> open(std::vector<std::string> protocols, StreamClass of = StreamClass::kInteractive);
  /// The same without waiting for the answer: what is written travels with the proposal. A refusal shows as an error
  /// of reading.
  Result<Stream> open_lazily(std::string protocol, StreamClass of = StreamClass::kInteractive);
  /// What happens every kTickMs: deadlines, pings, and the memory of an idle connection.
  void sweep();
  /// Says goodbye and closes. Twice is once.
  void close(Error reason);

  [[nodiscard]] bool is_open() const { return !closed_; }
  [[nodiscard]] bool dialed() const { return dialed_; }
  [[nodiscard]] bool secured() const { return connection_.secured(); }
  /// Both ends keep this connection for bulk; see `Lanes`.
  [[nodiscard]] bool is_bulk() const { return bulk_; }
  void set_bulk() { bulk_ = true; }
  /// What its owner calls it; 0 until it does.
  [[nodiscard]] ConnectionId number() const { return number_; }
  void set_number(ConnectionId number) { number_ = number; }
  /// When a stream was last seen on it.
  [[nodiscard]] Instant used() const { return used_; }
  /// What of a view only the session knows.
  void fill(ConnectionView& view) const;
  [[nodiscard]] const Error& close_reason() const { return reason_; }
  [[nodiscard]] const PeerId& peer() const { return connection_.remote_peer(); }
  [[nodiscard]] const Multiaddr& remote_address() const { return remote_address_; }
  [[nodiscard]] Connection& connection() { return connection_; }
  [[nodiscard]] std::uint64_t round_trip_ns() const { return connection_.round_trip_ns(); }
  [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }
  [[nodiscard]] std::uint64_t bytes_written() const { return bytes_written_; }

  /// What the peer said about itself so far.
  [[nodiscard]] const std::optional<Identify>& identify() const { return identify_; }
  /// Waits until it said something; false once the session is gone.
  Task<bool> wait_identified();
  /// Wakes at each change of what it says; check again.
  Signal& identify_changed() { return identify_changed_; }
  void learned(Identify said);
  /// A protocol has worked for the peer since then, by `now` of this session, outside of what the connection itself
  /// does: it is charged for it.
  void worked(std::string_view protocol, Instant since);
  /// Of its owner's clock; zero once that is gone.
  [[nodiscard]] Instant now() const;

 private:
  friend class Stream;
  void read(bool anyway = false);
  void read_at(Instant ready);
  void resume(bool anyway = false);
  void on_read(const boost::system::error_code& error, std::size_t bytes);
  void flush_soon();
  void flush_after(unsigned steps);
  void read_after(unsigned steps);
  [[nodiscard]] bool steps_back(std::size_t bytes) const;
  void flush();
  void dispatch();
  void on_event(const ConnectionEvent& event);
  void tick();
  void release_when_idle(Instant at);
  [[nodiscard]] std::size_t turn_bytes() const;
  std::shared_ptr<StreamState> add_stream(StreamId id, StreamState::Phase phase);
  void let_go(const std::shared_ptr<StreamState>& state);

  std::weak_ptr<SessionOwner> owner_;
  Socket socket_;
  std::shared_ptr<MemoryPool> pool_;
  Connection connection_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer read_timer_;  // while it is over its budget
  Signal secured_;
  Signal identify_changed_;
  std::map<StreamId, std::shared_ptr<StreamState>> streams_;
  std::optional<Identify> identify_;
  Multiaddr remote_address_;
  bool dialed_;
  bool closed_ = false;
  bool writing_ = false;
  bool flush_posted_ = false;
  bool renewing_read_ = false;
  bool over_budget_ = false;
  bool paused_ = false;  // reads nothing until output has left
  bool bulk_ = false;
  ConnectionId number_ = 0;
  Error reason_;
  ByteQueue sending_;
  Instant active_;  // when bytes were last seen to have moved
  Instant used_;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_written_ = 0;
  std::uint64_t bytes_at_sweep_ = 0;
};

}  // namespace micro::p2p
