// A stream of a session, as coroutines use it. One reads and one writes at a time.
#pragma once

#include <memory>

#include "p2p/aio/task.hpp"
#include "p2p/connection/connection.hpp"

namespace micro::p2p {

class Session;

/// What a session keeps of a stream; shared with the holder, who may outlive it.
struct StreamState {
  enum class Phase : std::uint8_t { kNegotiating, kOpen, kRefused, kGone };
  StreamState(const boost::asio::any_io_executor& executor, StreamId stream, Phase at)
      : id(stream), phase(at), readable(executor), writable(executor) {}
  StreamId id;
  Phase phase;
  std::string protocol = {};
  Signal readable;  ///< bytes, the end, or another phase
  Signal writable;
};

/// Movable; who holds it last lets the stream go, with a reset unless both sides had finished.
class Stream {
 public:
  Stream(std::shared_ptr<Session> session, std::shared_ptr<StreamState> state)
      : session_(std::move(session)), state_(std::move(state)) {}
  Stream(Stream&&) = default;
  Stream& operator=(Stream&& other) noexcept;
  ~Stream();

  /// Bytes read, at least one; 0 at the end. kUnreachable once the stream or its session is gone.
  Task<Result<std::size_t>> read(std::span<std::uint8_t> out);
  /// Exactly this many; kInvalid where the end comes first.
  Task<Status> read_exactly(std::span<std::uint8_t> out);
  /// All up to the end; kLimit beyond.
  Task<Result<Bytes>> read_all(std::size_t max_bytes);
  /// Returns once the window and the queue have taken all of it: a slow reader holds up the writer.
  Task<Status> write(ByteView bytes);
  /// What we write from now on is this; see StreamClass.
  void set_class(StreamClass of);
  /// No more from us. Reading goes on.
  void finish();
  void reset();

  [[nodiscard]] const std::string& protocol() const { return state_->protocol; }
  [[nodiscard]] const std::shared_ptr<Session>& session() const { return session_; }

 private:
  void let_go();
  std::shared_ptr<Session> session_;
  std::shared_ptr<StreamState> state_;
};

}  // namespace micro::p2p
