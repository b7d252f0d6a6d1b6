#include "p2p/net/stream.hpp"

#include "p2p/net/session.hpp"

namespace micro::p2p {
namespace {

constexpr std::size_t kReadAllStepBytes = 16 * 1'024;

std::unexpected<Error> gone(const StreamState& state) {
  if (state.phase == StreamState::Phase::kRefused) {
    return fail(Fault::kNotFound, "the other side does not speak this protocol");
  }
  return fail(Fault::kUnreachable, "the stream was reset");
}

bool is_over(const StreamState& state) {
  return state.phase == StreamState::Phase::kGone || state.phase == StreamState::Phase::kRefused;
}

}  // namespace

Stream& Stream::operator=(Stream&& other) noexcept {
  if (this == &other) return *this;
  let_go();
  session_ = std::move(other.session_);
  state_ = std::move(other.state_);
  return *this;
}

Stream::~Stream() {
  let_go();
}

void Stream::let_go() {
  if (state_) session_->let_go(state_);
  state_.reset();
}

Task<Result<std::size_t>> Stream::read(std::span<std::uint8_t> out) {
  const auto session = session_;
  const auto state = state_;
  while (true) {
    if (is_over(*state)) co_return gone(*state);
    Connection& connection = session->connection_;
    if (state->phase == StreamState::Phase::kOpen) {
      const ByteView there = connection.mux().readable(state->id);
      if (!there.empty()) {
        const std::size_t size = std::min(there.size(), out.size());
        std::memcpy(out.data(), there.data(), size);
        connection.mux().consume(state->id, size, session->now());
        session->flush_soon();
        const auto owner = session->owner_.lock();
        const Instant ready = owner ? owner->charge_protocol(*session, state->protocol, {.bytes = size}) : Instant();
        const Instant at = session->now();
        if (ready > at) {  // all streams of a protocol that asks for too much wait
          boost::asio::steady_timer timer(session->socket_.get_executor(), std::chrono::nanoseconds(ready.ns - at.ns));
          (void)co_await timer.async_wait(kAsTuple);
        }
        co_return size;
      }
      if (connection.mux().at_end(state->id)) co_return 0U;
    }
    co_await state->readable.wait();
  }
}

Task<Status> Stream::read_exactly(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const auto size = co_await read(out);
    if (!size) co_return std::unexpected(size.error());
    if (*size == 0) co_return fail(Fault::kInvalid, "a stream ended too early");
    out = out.subspan(*size);
  }
  co_return Status();
}

Task<Result<Bytes>> Stream::read_all(std::size_t max_bytes) {
  Bytes all;
  while (true) {
    const std::size_t at = all.size();
    all.resize(at + std::min(kReadAllStepBytes, max_bytes + 1 - at));
    const auto size = co_await read(std::span(all).subspan(at));
    if (!size) co_return std::unexpected(size.error());
    all.resize(at + *size);
    if (*size == 0) co_return all;
    if (all.size() > max_bytes) co_return fail(Fault::kLimit, "a stream brings more than is allowed");
  }
}

Task<Status> Stream::write(ByteView bytes) {
  const auto session = session_;
  const auto state = state_;
  while (true) {
    if (is_over(*state)) co_return gone(*state);
    const std::size_t taken = session->connection_.mux().write(state->id, bytes);
    if (taken > 0) session->flush_soon();
    bytes = bytes.subspan(taken);
    if (bytes.empty()) co_return Status();
    co_await state->writable.wait();
  }
}

void Stream::set_class(StreamClass of) {
  session_->connection_.mux().set_class(state_->id, of);
}

void Stream::finish() {
  if (is_over(*state_)) return;
  session_->connection_.mux().finish(state_->id);
  session_->flush_soon();
}

void Stream::reset() {
  if (is_over(*state_)) return;
  session_->connection_.reset(state_->id);
  session_->let_go(state_);
  session_->flush_soon();
}

}  // namespace micro::p2p
