// What calls say on a stream: frames of a four-byte little-endian length and one variant in the one codec.
#pragma once

#include <optional>

#include "chain/codec/codec.hpp"
#include "p2p/wire/byte_queue.hpp"

namespace micro::p2p {

inline constexpr std::size_t kMaxCallBytes = 256 * 1'024;  ///< a request or a reply; more goes as a stream of items
inline constexpr std::size_t kMaxItemBytes = 64 * 1'024;   ///< of a streaming call
inline constexpr std::size_t kMaxMethodBytes = 128;
inline constexpr std::size_t kMaxCallErrorBytes = 512;
inline constexpr std::uint64_t kMaxCallMs = 600'000;
inline constexpr std::size_t kFrameLengthBytes = 4;
inline constexpr std::size_t kMaxFrameBytes = kMaxCallBytes + 1'024;  ///< behind its length

using CallId = std::uint64_t;
using CallBody = Blob<kMaxCallBytes>;

struct RequestFrame {
  CallId id = 0;                 ///< ascending
  std::uint32_t timeout_ms = 0;  ///< how long the asker waits
  Text<kMaxMethodBytes> method;
  CallBody body;
  static constexpr auto kFields =
      fields<&RequestFrame::id, &RequestFrame::timeout_ms, &RequestFrame::method, &RequestFrame::body>;
};
struct ReplyFrame {
  CallId id = 0;
  CallBody body;
  static constexpr auto kFields = fields<&ReplyFrame::id, &ReplyFrame::body>;
};
struct FailFrame {
  CallId id = 0;
  std::uint8_t fault = 0;  ///< of Fault; one that is not known here counts as kInternal
  Blob<kMaxCallErrorBytes> message;
  static constexpr auto kFields = fields<&FailFrame::id, &FailFrame::fault, &FailFrame::message>;
};
struct CancelFrame {
  CallId id = 0;
  static constexpr auto kFields = fields<&CancelFrame::id>;
};
using CallFrame = std::variant<RequestFrame, ReplyFrame, FailFrame, CancelFrame>;

/// The first frame of a streaming call, by who asks; then both ends say StreamFrames.
struct OpeningFrame {
  std::uint32_t timeout_ms = 0;
  Text<kMaxMethodBytes> method;
  static constexpr auto kFields = fields<&OpeningFrame::timeout_ms, &OpeningFrame::method>;
};
struct ItemFrame {
  Blob<kMaxItemBytes> body;
  static constexpr auto kFields = fields<&ItemFrame::body>;
};
struct CreditFrame {
  std::uint32_t bytes = 0;
  static constexpr auto kFields = fields<&CreditFrame::bytes>;
};
struct EndFrame {
  bool failed = false;
  std::uint8_t fault = 0;
  Blob<kMaxCallErrorBytes> message;
  static constexpr auto kFields = fields<&EndFrame::failed, &EndFrame::fault, &EndFrame::message>;
};
using StreamFrame = std::variant<ItemFrame, CreditFrame, EndFrame>;

/// An error as it travels, cut to what is allowed, and back.
inline Blob<kMaxCallErrorBytes> sent_message(const Error& error) {
  return Blob<kMaxCallErrorBytes>(as_bytes(error.message).first(std::min(error.message.size(), kMaxCallErrorBytes)));
}
inline Error received_error(std::uint8_t fault, ByteView message) {
  const bool known = fault <= static_cast<std::uint8_t>(Fault::kInterrupted);
  return {.fault = known ? static_cast<Fault>(fault) : Fault::kInternal, .message = std::string(as_text(message))};
}

template <class Frame>
void put_frame(ByteQueue& out, const Frame& frame) {
  const Bytes body = encode(frame);
  std::uint8_t length[kFrameLengthBytes];
  for (unsigned n = 0; n < kFrameLengthBytes; ++n) length[n] = static_cast<std::uint8_t>(body.size() >> (8 * n));
  out.append(length);
  out.append(body);
}

/// Puts frames together, one at a time: whoever has no room for another feeds no more.
template <class Frame>
class FrameReader {
 public:
  /// Takes bytes up to the end of a frame; how many. kLimit and kInvalid end the stream.
  Result<std::size_t> feed(ByteView input) {
    std::size_t taken = 0;
    while (!ready_ && taken < input.size()) {
      const std::size_t wanted = TRY(wanted_bytes());
      const std::size_t more = std::min(wanted - partial_.size(), input.size() - taken);
      partial_.append(input.subspan(taken, more));
      taken += more;
      if (partial_.size() < kFrameLengthBytes || partial_.size() < TRY(wanted_bytes())) continue;
      ready_ = TRY(decode<Frame>(partial_.view().subspan(kFrameLengthBytes)));
      partial_.clear();
      partial_.release(0);
    }
    return taken;
  }
  std::optional<Frame> take() { return std::exchange(ready_, std::nullopt); }
  [[nodiscard]] std::size_t held_bytes() const { return partial_.capacity(); }

 private:
  [[nodiscard]] Result<std::size_t> wanted_bytes() const {
    if (partial_.size() < kFrameLengthBytes) return kFrameLengthBytes;
    std::size_t length = 0;
    for (unsigned n = 0; n < kFrameLengthBytes; ++n) length |= std::size_t{partial_.view()[n]} << (8 * n);
    if (length == 0 || length > kMaxFrameBytes) return fail(Fault::kLimit, "a frame of a length that is not allowed");
    return kFrameLengthBytes + length;
  }
  ByteQueue partial_;
  std::optional<Frame> ready_;
};

}  // namespace micro::p2p
