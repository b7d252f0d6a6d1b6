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
  if (std::exchange(ended_here_, true)) return;
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
  if (ended_there_) return fail(Fault::kInvalid, "an item behind the end of a stream");
  if (auto* item = std::get_if<ItemFrame>(&frame)) {
    if (cost(item->body.size()) > their_credit_) return fail(Fault::kInvalid, "more items than credit");
    their_credit_ -= cost(item->body.size());
    untaken_bytes_ += cost(item->body.size());
    items_.push_back(std::move(static_cast<Bytes&>(item->body)));
    return {};
  }
  const auto& end = std::get<EndFrame>(frame);
  ended_there_ = true;
  if (end.failed) failure_ = received_error(end.fault, end.message);
  return {};
}

}  // namespace micro::p2p
