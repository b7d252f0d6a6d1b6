#include "rpc/http/answer.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

namespace micro {

namespace asio = boost::asio;

void StreamQueue::wake_once(std::unique_lock<std::mutex> lock) {
  const bool waiting = std::exchange(waiting_, false);
  lock.unlock();
  if (waiting) wake_();
}

bool StreamQueue::write(std::string chunk) {
  std::unique_lock lock(mutex_);
  if (closed_ || ended_) return false;
  if (chunk.empty()) return true;  // an empty chunk would end the reply
  backlog_ += chunk.size();
  if (backlog_ > kMaxHttpStreamBacklogBytes) {
    closed_ = overrun_ = true;
    chunks_.clear();
  } else {
    chunks_.push_back(std::move(chunk));
  }
  const bool open = !closed_;
  wake_once(std::move(lock));
  return open;
}

void StreamQueue::end() {
  std::unique_lock lock(mutex_);
  ended_ = true;
  wake_once(std::move(lock));
}

bool StreamQueue::is_open() const {
  const std::lock_guard guard(mutex_);
  return !closed_;
}

StreamQueue::Batch StreamQueue::take(std::size_t most) {
  const std::lock_guard guard(mutex_);
  Batch out;
  std::size_t bytes = 0;
  while (!chunks_.empty() && bytes < most) {
    bytes += chunks_.front().size();
    out.chunks.push_back(std::move(chunks_.front()));
    chunks_.pop_front();
  }
  backlog_ -= bytes;
  out.ended = ended_ && chunks_.empty();
  out.overrun = overrun_;
  waiting_ = out.chunks.empty();
  return out;
}

void StreamQueue::close() {
  const std::lock_guard guard(mutex_);
  closed_ = true;
  chunks_.clear();
}

void Answer::send(HttpReply reply) {
  if (io_.get_executor().running_in_this_thread()) {
    reply_ = std::move(reply);
    return wake();
  }
  asio::dispatch(io_, [self = shared_from_this(), reply = std::move(reply)]() mutable {
    self->reply_ = std::move(reply);
    self->wake();
  });
}

std::shared_ptr<HttpStream> Answer::stream(HttpReply head) {
  auto queue = std::make_shared<StreamQueue>([self = weak_from_this(), &io = io_] {
    if (auto alive = self.lock()) asio::post(io, [alive = std::move(alive)] { alive->wake(); });
  });
  asio::dispatch(io_, [self = shared_from_this(), head = std::move(head), queue]() mutable {
    if (self->waiter_ == nullptr) return queue->close();
    self->reply_ = std::move(head);
    self->queue_ = queue;
    self->wake();
  });
  return queue;
}

void Answer::abandon() {
  waiter_ = nullptr;
  if (queue_) queue_->close();
  const auto tell = std::exchange(when_gone_, nullptr);
  if (tell && !reply_) tell();
}

}  // namespace micro
