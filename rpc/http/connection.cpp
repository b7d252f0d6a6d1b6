#include "rpc/http/connection.hpp"

#include <array>
#include <boost/asio/write.hpp>

namespace micro {

namespace asio = boost::asio;
using boost::system::error_code;

Connection::Connection(asio::io_context& io, std::shared_ptr<ConnectionOwner> owner, Socket socket,
                       HttpListener listener, uid_t peer_uid)
    : io_(io), owner_(std::move(owner)), socket_(std::move(socket)), listener_(listener), reader_(listener, peer_uid) {}

void Connection::start() {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  deadline_ms_ = owner_->now_ms() + kHttpReceiveMs;
  read();
}

void Connection::cut() {
  if (std::exchange(state_, State::kClosed) == State::kClosed) return;
  if (const auto answer = std::exchange(answer_, nullptr)) answer->abandon();
  error_code ignored;
  socket_.close(ignored);
  owner_->closed(shared_from_this());
}

/// A request that was begun and is not whole is answered; what waits for anything else is cut.
void Connection::time_out() {
  const bool begun = state_ == State::kReading && !reader_.between_requests() && !client_done_;
  if (!begun || writing_ || !out_.empty() || !body_.empty()) return cut();
  refuse(plain_reply(408, "the request was not whole after " + std::to_string(kHttpReceiveMs / 1'000) + " s"));
  pump();
}

bool Connection::overdue(std::uint64_t now_ms) const {
  return deadline_ms_ < now_ms || write_deadline_ms_ < now_ms;
}

bool Connection::idle() const {
  return state_ == State::kReading && !writing_ && reader_.between_requests();
}

// --- what to do next ---

/// Goes on until a byte, an answer or the end of a write is missing.
void Connection::pump() {
  if (std::exchange(pumping_, true)) return;  // a handler answered at once, below in this stack
  const auto alive = shared_from_this();
  do {
    while (step()) {
    }
  } while (flush());
  pumping_ = false;
  read();
}

bool Connection::step() {
  switch (state_) {
    case State::kReading:
      return read_step();
    case State::kHandling:
      return answer_->answered() && answer_step();
    case State::kStreaming:
      return stream_step();
    case State::kEnding: {
      if (writing_ || !out_.empty()) return false;
      if (client_done_) {
        cut();
        return false;
      }
      state_ = State::kLingering;
      deadline_ms_ = owner_->now_ms() + kHttpLingerMs;
      error_code ignored;
      socket_.shutdown(asio::socket_base::shutdown_send, ignored);
      return false;
    }
    case State::kLingering:
    case State::kClosed:
      return false;
  }
  return false;
}

bool Connection::read_step() {
  // A client that does not read its replies gets no more work done.
  if (writing_ || out_.size() >= kHttpWriteBytes || !body_.empty()) return false;
  ReadStep next = reader_.next();
  if (auto* received = std::get_if<ReceivedRequest>(&next)) {
    begin(std::move(*received));
    return true;
  }
  if (const auto* refused = std::get_if<Refused>(&next)) {
    refuse(refused->reply);
    return true;
  }
  if (std::holds_alternative<SendContinue>(next)) {
    out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    return true;
  }
  if (!client_done_) return false;
  state_ = State::kEnding;
  return true;
}

void Connection::begin(ReceivedRequest&& received) {
  keep_alive_ = received.keep_alive;
  head_only_ = received.request.method == "HEAD";
  http_1_0_ = received.http_1_0;
  state_ = State::kHandling;
  deadline_ms_ = UINT64_MAX;  // handlers bound their own time
  answer_ = std::make_shared<Answer>(io_, *this);
  owner_->handle(std::move(received.request), HttpResponder(answer_));
  doubt_client();
}

/// A client that ended its side may wait for its reply, or be gone.
void Connection::doubt_client() {
  if (state_ != State::kHandling || !client_done_ || answer_->answered() || !answer_->watched()) return;
  deadline_ms_ = owner_->now_ms() + kHttpHalfClosedMs;
}

void Connection::refuse(const HttpReply& reply) {
  reader_.discard();
  append_reply_head(out_, reply, ReplyFraming::kLength, false, false);
  out_ += reply.body;
  state_ = State::kEnding;
  deadline_ms_ = UINT64_MAX;
}

bool Connection::answer_step() {
  deadline_ms_ = UINT64_MAX;
  HttpReply reply = answer_->take_reply();
  if (answer_->queue()) {
    keep_alive_ = keep_alive_ && !http_1_0_;
    append_reply_head(out_, reply, http_1_0_ ? ReplyFraming::kClose : ReplyFraming::kChunked, keep_alive_, http_1_0_);
    if (client_done_) {  // as in on_read
      cut();
      return false;
    }
    if (head_only_) {
      answer_->abandon();
      end_reply();
    } else {
      state_ = State::kStreaming;
    }
    return true;
  }
  append_reply_head(out_, reply, ReplyFraming::kLength, keep_alive_, http_1_0_);
  if (!head_only_ && status_has_body(reply.status)) {
    if (reply.body.size() < kHttpWriteBytes) {
      out_ += reply.body;
    } else {
      body_ = std::move(reply.body);
    }
  }
  end_reply();
  return true;
}

bool Connection::stream_step() {
  if (writing_) return false;
  const StreamQueue::Batch batch = answer_->queue()->take(kHttpWriteBytes);
  if (batch.overrun) {
    cut();
    return false;
  }
  for (const std::string& chunk : batch.chunks) {
    if (http_1_0_) {
      out_ += chunk;
    } else {
      append_chunk(out_, chunk);
    }
  }
  if (!batch.ended) return false;
  if (!http_1_0_) out_ += kLastChunk;
  answer_->abandon();
  end_reply();
  return true;
}

void Connection::end_reply() {
  answer_.reset();
  if (!keep_alive_) {
    state_ = State::kEnding;
    return;
  }
  state_ = State::kReading;
  deadline_ms_ = owner_->now_ms() + (reader_.between_requests() ? kHttpIdleMs : kHttpReceiveMs);
}

// --- the socket ---

/// Writes what is ready. True: all of it went at once, so there may be more to do; otherwise on_written goes on.
bool Connection::flush() {
  if (state_ == State::kClosed || writing_ || out_.empty()) return false;
  std::size_t sent = 0;
  if (body_.empty()) {
    // Nearly every reply fits into the socket's buffer: no operation is made for it and no turn of the loop passes.
    error_code later;  // whatever is wrong, the write below finds it too
    sent = socket_.write_some(asio::buffer(out_), later);
    if (sent == out_.size()) {
      out_.clear();
      if (out_.capacity() > 2 * kHttpWriteBytes) out_ = {};
      return true;
    }
  }
  writing_ = true;
  write_deadline_ms_ = owner_->now_ms() + kHttpWriteMs;
  out_going_.clear();
  out_going_.swap(out_);
  body_going_ = std::exchange(body_, {});
  const std::array<asio::const_buffer, 2> pieces{asio::buffer(out_going_) + sent, asio::buffer(body_going_)};
  asio::async_write(socket_, pieces, [self = shared_from_this()](const error_code& error, std::size_t) {
    self->on_written(error.failed());
  });
  return false;
}

void Connection::on_written(bool failed) {
  writing_ = false;
  write_deadline_ms_ = UINT64_MAX;
  if (state_ == State::kClosed) return;
  if (failed) return cut();
  if (out_going_.capacity() > 2 * kHttpWriteBytes) out_going_ = {};
  pump();
}

void Connection::read() {
  if (reading_ || client_done_ || state_ == State::kClosed) return;
  if (reader_.waiting() >= kMaxHttpPipelinedBytes) {
    // A stream may never end, and what is behind it would never be read.
    if (state_ == State::kStreaming) cut();
    return;
  }
  reading_ = true;
  socket_.async_read_some(reader_.prepare(), [self = shared_from_this()](const error_code& error, std::size_t bytes) {
    self->on_read(error.failed(), error == asio::error::eof, bytes);
  });
}

void Connection::on_read(bool failed, bool at_end, std::size_t bytes) {
  reading_ = false;
  if (state_ == State::kClosed) return;
  client_done_ = failed;
  // A client that ended its side may still wait for a reply, but nobody closes half of a stream that it follows.
  const bool waits = state_ == State::kReading || state_ == State::kHandling || state_ == State::kEnding;
  if (failed && (!at_end || !waits)) return cut();
  if (state_ == State::kReading && reader_.between_requests() && !failed) {
    deadline_ms_ = owner_->now_ms() + kHttpReceiveMs;
  }
  if (failed) doubt_client();
  reader_.commit(bytes);
  if (state_ == State::kEnding || state_ == State::kLingering) reader_.discard();
  pump();
}

}  // namespace micro
