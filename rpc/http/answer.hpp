// The way from a handler's thread to the connection that waits for it.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <mutex>

#include "rpc/http/message.hpp"

namespace micro {

inline constexpr std::size_t kMaxHttpStreamBacklogBytes = 4u << 20;

/// Chunks on their way from handlers to one connection. Its lock is all that other threads touch.
class StreamQueue final : public HttpStream {
 public:
  /// `wake` is called from any thread when there is something to take that the connection does not know of.
  explicit StreamQueue(std::function<void()> wake) : wake_(std::move(wake)) {}

  bool write(std::string chunk) override;
  void end() override;
  [[nodiscard]] bool is_open() const override;

  struct Batch {
    std::vector<std::string> chunks;
    bool ended = false;    ///< nothing comes after these
    bool overrun = false;  ///< the reader was too slow: the stream breaks off
  };
  /// Up to about `most` bytes. An empty batch that has not ended: there is nothing yet, and `wake` will be called.
  Batch take(std::size_t most);
  /// The reader is gone.
  void close();

 private:
  void wake_once(std::unique_lock<std::mutex> lock);
  mutable std::mutex mutex_;
  std::function<void()> wake_;
  std::deque<std::string> chunks_;
  std::size_t backlog_ = 0;
  bool waiting_ = true;  // the connection saw an empty queue
  bool ended_ = false;
  bool closed_ = false;
  bool overrun_ = false;
};

/// A connection that waits for an answer.
class AnswerWaiter {
 public:
  virtual ~AnswerWaiter() = default;
  /// On the io thread: the answer came, or its stream goes on.
  virtual void on_answer() = 0;
};

/// One request's answer. Made and read on the io thread; `send` and `stream` come from any thread.
class Answer final : public HttpResponder::Channel, public std::enable_shared_from_this<Answer> {
 public:
  /// The waiter abandons its answer before it dies.
  Answer(boost::asio::io_context& io, AnswerWaiter& waiter) : io_(io), waiter_(&waiter) {}

  void send(HttpReply reply) override;
  std::shared_ptr<HttpStream> stream(HttpReply head) override;
  void when_gone(std::function<void()> tell) override { when_gone_ = std::move(tell); }

  /// Somebody wants to know when the client goes.
  [[nodiscard]] bool watched() const { return when_gone_ != nullptr; }
  [[nodiscard]] bool answered() const { return reply_.has_value(); }
  HttpReply take_reply() { return std::move(*reply_); }
  /// Null for an answer in one piece.
  [[nodiscard]] const std::shared_ptr<StreamQueue>& queue() const { return queue_; }
  /// The connection is gone: nobody is woken, and a stream that comes is closed from its start.
  void abandon();

 private:
  void wake() {
    if (waiter_ != nullptr) waiter_->on_answer();
  }
  boost::asio::io_context& io_;
  AnswerWaiter* waiter_;
  std::optional<HttpReply> reply_;
  std::function<void()> when_gone_;
  std::shared_ptr<StreamQueue> queue_;
};

}  // namespace micro
