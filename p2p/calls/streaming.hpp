// A call that is a stream of items in both directions, on a stream of its own. Credit is in bytes of items and given
// when the application takes one, so that a slow reader holds up the writing application and not only its network.
#pragma once

#include <deque>

#include "p2p/calls/frames.hpp"

namespace micro::p2p {

inline constexpr std::uint32_t kStreamCreditBytes = 256 * 1'024;  ///< items that may be on their way or untaken
inline constexpr std::uint32_t kItemOverheadBytes = 64;           ///< what an item costs beside its bytes

/// One end; both ends are alike.
class StreamingCall {
 public:
  /// kBusy without credit: wait until `may_send`. kLimit over kMaxItemBytes, kInterrupted behind the end.
  Status send(Bytes item);
  [[nodiscard]] bool may_send(std::size_t bytes) const {
    return !ended_here_ && bytes + kItemOverheadBytes <= send_credit_;
  }
  /// No more from this end; or it failed, which ends both directions.
  void finish();
  void abort(const Error& error);
  /// The next item, if one is there.
  std::optional<Bytes> take();
  /// Everything was taken and no more comes.
  [[nodiscard]] bool at_end() const { return ended_there_ && items_.empty(); }
  /// Why the other end gave up, if it did.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  /// Takes all of it; an error ends the stream.
  Status feed(ByteView input);
  ByteQueue& output() { return output_; }
  [[nodiscard]] std::size_t held_bytes() const { return untaken_bytes_ + output_.size() + reader_.held_bytes(); }

 private:
  Status on_frame(StreamFrame frame);
  std::uint32_t send_credit_ = kStreamCreditBytes;
  std::uint32_t their_credit_ = kStreamCreditBytes;
  std::uint32_t owed_ = 0;  // taken and not yet given back
  std::deque<Bytes> items_;
  std::size_t untaken_bytes_ = 0;
  bool ended_here_ = false;
  bool ended_there_ = false;
  std::optional<Error> failure_;
  FrameReader<StreamFrame> reader_;
  ByteQueue output_;
};

}  // namespace micro::p2p
