#include "p2p/mux/multistream.hpp"

#include "p2p/wire/varint.hpp"

namespace micro::p2p {
namespace {

constexpr std::string_view kNotAvailable = "na";

void say(std::string_view text, ByteQueue& out) {
  Bytes message;
  append_varint(message, text.size() + 1);
  append_bytes(message, as_bytes(text));
  message.push_back('\n');
  out.append(message);
}

}  // namespace

Multistream Multistream::dialer(std::vector<std::string> proposals) {
  CHECK(!proposals.empty(), "somebody who dials wants something");
  Multistream out;
  out.proposals_ = std::move(proposals);
  out.at_ = 1;
  return out;
}

Multistream Multistream::listener(const ProtocolSet& protocols) {
  Multistream out;
  out.protocols_ = &protocols;
  return out;
}

void Multistream::start(ByteQueue& out) {
  if (protocols_ != nullptr) return;
  say(kMultistreamHeader, out);
  say(proposals_[0], out);
}

Result<std::size_t> Multistream::feed(ByteView input, ByteQueue& out) {
  std::size_t taken = 0;
  while (state_ == State::kRunning && taken < input.size()) {
    partial_.push_back(input[taken++]);
    const auto length = TRY(read_varint(partial_));
    if (!length) continue;
    if (length->value == 0 || length->value > kMaxMultistreamBytes) {
      return fail(Fault::kLimit, "a negotiation message of a length that is not allowed");
    }
    const std::size_t whole = length->bytes + static_cast<std::size_t>(length->value);
    const std::size_t more = std::min(whole - partial_.size(), input.size() - taken);
    append_bytes(partial_, input.subspan(taken, more));
    taken += more;
    if (partial_.size() < whole) continue;
    const Bytes message = std::exchange(partial_, {});
    if (message.back() != '\n') return fail(Fault::kInvalid, "a negotiation message without its end");
    const std::string_view text = as_text(message).substr(length->bytes);
    TRY(on_message(text.substr(0, text.size() - 1), out));
  }
  return taken;
}

Status Multistream::on_message(std::string_view text, ByteQueue& out) {
  if (!header_heard_) {
    if (text != kMultistreamHeader) return fail(Fault::kInvalid, "the other side does not speak multistream 1.0");
    header_heard_ = true;
    if (protocols_ != nullptr) say(kMultistreamHeader, out);
    return {};
  }
  return protocols_ != nullptr ? on_proposal(text, out) : on_answer(text, out);
}

Status Multistream::on_proposal(std::string_view text, ByteQueue& out) {
  if (++at_ > kMaxProposals) return fail(Fault::kLimit, "too many proposals");
  if (!protocols_->contains(text)) {
    say(kNotAvailable, out);
    return {};
  }
  say(text, out);
  protocol_ = text;
  state_ = State::kAgreed;
  return {};
}

Status Multistream::on_answer(std::string_view text, ByteQueue& out) {
  if (text == proposals_[at_ - 1]) {
    protocol_ = text;
    state_ = State::kAgreed;
    return {};
  }
  if (text != kNotAvailable) return fail(Fault::kInvalid, "an answer to another proposal than ours");
  if (at_ == proposals_.size()) {
    state_ = State::kRefused;
    return {};
  }
  say(proposals_[at_++], out);
  return {};
}

}  // namespace micro::p2p
