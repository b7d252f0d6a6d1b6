#include "p2p/calls/streaming.hpp"

namespace micro::p2p {
namespace {

std::uint32_t cost(std::size_t item_bytes) {
  return static_cast<std::uint32_t>(item_bytes) + kItemOverheadBytes;
}

}  // namespace

Status StreamingCall::send(Bytes item) {
  if (item.size() > kMaxItemBytes) return fail(Fault::kLimit, "an item of more than 64 KiB");
  if (failure_) return std::unexpected(*failure_);
  if (ended_here_) return fail(Fault::kInterrupted, "this end was finished");
  if (!may_send(item.size())) return fail(Fault::kBusy, "the other side has not taken what it was sent");
  send_credit_ -= cost(item.size());
  put_frame(output_, StreamFrame(ItemFrame{.body = Blob<kMaxItemBytes>(std::move(item))}));
  return {};
}

void StreamingCall::finish() {
  if (!std::exchange(ended_here_, true)) put_frame(output_, StreamFrame(EndFrame{}));
}

void StreamingCall::abort(const Error& error) {
  ended_here_ = true;
  if (std::exchange(aborted_here_, true)) return;
  put_frame(output_,
            StreamFrame(EndFrame{
                .failed = true, .fault = static_cast<std::uint8_t>(error.fault), .message = sent_message(error)}));
}

std::optional<Bytes> StreamingCall::take() {
  if (items_.empty()) return std::nullopt;
  Bytes item = std::move(items_.front());
  items_.pop_front();
  untaken_bytes_ -= cost(item.size());
  owed_ += cost(item.size());
  if (owed_ >= kStreamCreditBytes / 2 && !ended_there_) {
    put_frame(output_, StreamFrame(CreditFrame{.bytes = owed_}));
    their_credit_ += std::exchange(owed_, 0);
  }
  return item;
}

Status StreamingCall::feed(ByteView input) {
  while (!input.empty()) {
    input = input.subspan(TRY(reader_.feed(input)));
    if (auto frame = reader_.take()) TRY(on_frame(std::move(*frame)));
  }
  return {};
}

Status StreamingCall::on_frame(StreamFrame frame) {
  if (const auto* credit = std::get_if<CreditFrame>(&frame)) {
    if (credit->bytes > kStreamCreditBytes - send_credit_) return fail(Fault::kInvalid, "more credit than was used");
    send_credit_ += credit->bytes;
    return {};
  }
  const auto* end = std::get_if<EndFrame>(&frame);
  const bool gives_up = end != nullptr && end->failed && !failure_;  // a finished end may still give up
  if (ended_there_ && !gives_up) return fail(Fault::kInvalid, "an item behind the end of a stream");
  if (auto* item = std::get_if<ItemFrame>(&frame)) {
    if (cost(item->body.size()) > their_credit_) return fail(Fault::kInvalid, "more items than credit");
    their_credit_ -= cost(item->body.size());
    untaken_bytes_ += cost(item->body.size());
    items_.push_back(std::move(static_cast<Bytes&>(item->body)));
    return {};
  }
  ended_there_ = true;
  if (end->failed) failure_ = received_error(end->fault, end->message);
  return {};
}

// --- a call around it ---

CallStream CallStream::asker(std::string method, Instant deadline, Instant now) {
  CallStream out;
  const std::uint64_t left_ms = deadline > now ? (deadline.ns - now.ns) / 1'000'000 + 1 : 0;
  out.opened_ = true;
  out.deadline_ = std::min(deadline, now.plus_ms(kMaxCallMs));
  put_frame(out.output(), OpeningFrame{.timeout_ms = static_cast<std::uint32_t>(std::min(left_ms, kMaxCallMs)),
                                       .method = Text<kMaxMethodBytes>(std::move(method))});
  return out;
}

CallStream CallStream::answerer(Instant now) {
  CallStream out;
  out.deadline_ = now.plus_ms(kOpeningMs);
  return out;
}

Status CallStream::feed(ByteView input, Instant now) {
  if (!opened_) {
    input = input.subspan(TRY(opening_reader_.feed(input)));
    auto opening = opening_reader_.take();
    if (!opening) return {};
    opened_ = true;
    deadline_ = now.plus_ms(std::min<std::uint64_t>(opening->timeout_ms, kMaxCallMs));
    opening_ = StreamOpening{.method = std::move(static_cast<std::string&>(opening->method)), .deadline = deadline_};
  }
  if (is_over()) return {};  // what was on its way
  return flow_.feed(input);
}

std::optional<StreamOpening> CallStream::take_opening() {
  return std::exchange(opening_, std::nullopt);
}

Status CallStream::send(Bytes item) {
  if (over_) return std::unexpected(*over_);
  return flow_.send(std::move(item));
}

void CallStream::finish() {
  if (!is_over()) flow_.finish();
}

void CallStream::abort(const Error& error) {
  if (is_over()) return;
  over_ = error;
  flow_.abort(error);
}

void CallStream::expire(Instant now) {
  if (now < deadline_) return;
  abort({.fault = Fault::kUnknownOutcome, .message = "a streaming call did not end in time"});
}

void CallStream::closed(const std::optional<Error>& why) {
  // Behind the other end's last word its end is no news, nor is anything once both have said theirs.
  if (is_over() || (flow_.ended_there() && (!why || flow_.ended_here()))) return;
  over_ = why ? *why : Error{.fault = Fault::kUnknownOutcome, .message = "the stream of a call ended early"};
}

std::optional<Status> CallStream::outcome() const {
  if (over_) return std::unexpected(*over_);
  if (flow_.failure()) return std::unexpected(*flow_.failure());
  if (flow_.at_end() && flow_.ended_here()) return Status();
  return std::nullopt;
}

}  // namespace micro::p2p
