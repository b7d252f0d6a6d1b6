// One connection: reads requests, hands them on, writes replies in their order.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>

#include "rpc/http/answer.hpp"
#include "rpc/http/reply_writer.hpp"
#include "rpc/http/request_reader.hpp"

namespace micro {

inline constexpr std::uint64_t kHttpIdleMs = 60'000;     ///< between requests
inline constexpr std::uint64_t kHttpReceiveMs = 10'000;  ///< for one whole request, and for the first byte of the first
inline constexpr std::uint64_t kHttpWriteMs = 30'000;  ///< for what is written at once: a reply, or chunks of a stream
/// For the reply of a client that sends nothing more, where its handler wants to know of clients that go: over TCP the
/// two look alike.
inline constexpr std::uint64_t kHttpHalfClosedMs = 2'000;
inline constexpr std::uint64_t kHttpLingerMs = 2'000;       ///< until the client closes too
inline constexpr std::size_t kHttpWriteBytes = 64 * 1'024;  ///< replies and chunks are gathered up to about this

class Connection;

/// What a connection needs of its server.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  virtual void handle(HttpRequest&& request, HttpResponder responder) = 0;
  virtual void closed(const std::shared_ptr<Connection>& connection) = 0;
  [[nodiscard]] virtual std::uint64_t now_ms() const = 0;  ///< monotonic
};

/// Lives on the io thread. A read is outstanding in every state, so that a client that goes is noticed at once; bytes
/// that come early wait for their turn. One write at most is outstanding; replies of pipelined requests share one.
class Connection final : public AnswerWaiter, public std::enable_shared_from_this<Connection> {
 public:
  /// With its executor's own type: the type-erased one costs an allocation and indirect calls a read.
  using Socket =
      boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, boost::asio::io_context::executor_type>;
  Connection(boost::asio::io_context& io, std::shared_ptr<ConnectionOwner> owner, Socket socket, HttpListener listener,
             uid_t peer_uid);

  void start();
  /// Closes at once, whatever it was doing. Twice is once.
  void cut();
  void time_out();
  [[nodiscard]] bool overdue(std::uint64_t now_ms) const;
  /// Between requests: nobody loses anything but a new connection when it is cut.
  [[nodiscard]] bool idle() const;
  [[nodiscard]] std::uint64_t deadline_ms() const { return deadline_ms_; }
  [[nodiscard]] HttpListener listener() const { return listener_; }

 private:
  enum class State : std::uint8_t {
    kReading,    ///< a request, or waits for one
    kHandling,   ///< a handler has it
    kStreaming,  ///< the reply goes on
    kEnding,     ///< what is left to write is the last
    kLingering,  ///< all said; waits for the client to close, so that it reads the reply before a reset
    kClosed,
  };

  void on_answer() override { pump(); }
  void pump();
  bool step();
  bool read_step();
  void doubt_client();
  bool answer_step();
  bool stream_step();
  void begin(ReceivedRequest&& received);
  void refuse(const HttpReply& reply);
  void end_reply();
  bool flush();
  void on_written(bool failed);
  void read();
  void on_read(bool failed, bool at_end, std::size_t bytes);

  boost::asio::io_context& io_;
  std::shared_ptr<ConnectionOwner> owner_;
  Socket socket_;
  HttpListener listener_;
  RequestReader reader_;
  State state_ = State::kReading;
  bool pumping_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool client_done_ = false;  // it sends nothing more
  std::uint64_t deadline_ms_ = UINT64_MAX;
  std::uint64_t write_deadline_ms_ = UINT64_MAX;

  // the request being answered
  std::shared_ptr<Answer> answer_;
  bool keep_alive_ = false;
  bool head_only_ = false;
  bool http_1_0_ = false;

  std::string out_;   // to write next
  std::string body_;  // a large body behind it, not copied
  std::string out_going_;
  std::string body_going_;
};

}  // namespace micro
