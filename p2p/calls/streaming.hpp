// A call that is a stream of items in both directions, on a stream of its own. Credit is in bytes of items and given
// when the application takes one, so that a slow reader holds up the writing application and not only its network.
// `StreamingCall` is what flows, `CallStream` a call around it: its opening, its deadline, how it ended.
#pragma once

#include <deque>

#include "chain/base/clock.hpp"
#include "p2p/calls/frames.hpp"

namespace micro::p2p {

inline constexpr std::uint32_t kStreamCreditBytes = 256 * 1'024;  ///< items that may be on their way or untaken
inline constexpr std::uint32_t kItemOverheadBytes = 64;           ///< what an item costs beside its bytes
inline constexpr std::uint64_t kOpeningMs = 10'000;               ///< for the first frame of who asks

/// One end; both ends are alike.
class StreamingCall {
 public:
  /// kBusy without credit: wait until `may_send`. kLimit over kMaxItemBytes, kInterrupted behind the end.
  Status send(Bytes item);
  [[nodiscard]] bool may_send(std::size_t bytes) const {
    return !ended_here_ && bytes + kItemOverheadBytes <= send_credit_;
  }
  /// No more from this end; or it failed, which ends both directions, behind `finish` too.
  void finish();
  void abort(const Error& error);
  [[nodiscard]] bool ended_here() const { return ended_here_; }
  [[nodiscard]] bool ended_there() const { return ended_there_; }
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
  bool aborted_here_ = false;
  bool ended_there_ = false;
  std::optional<Error> failure_;
  FrameReader<StreamFrame> reader_;
  ByteQueue output_;
};

struct StreamOpening {
  std::string method;
  Instant deadline;
};

/// One end of a streaming call, from its opening to its outcome.
class CallStream {
 public:
  /// `method` is of kMaxMethodBytes at most.
  static CallStream asker(std::string method, Instant deadline, Instant now);
  static CallStream answerer(Instant now);

  /// Takes all of it; an error ends the call on both ends.
  Status feed(ByteView input, Instant now);
  /// An answerer's, once, when it has come.
  std::optional<StreamOpening> take_opening();
  /// As in StreamingCall; kInterrupted once it is over.
  Status send(Bytes item);
  [[nodiscard]] bool may_send(std::size_t bytes) const { return !is_over() && flow_.may_send(bytes); }
  std::optional<Bytes> take() { return is_over() ? std::nullopt : flow_.take(); }
  void finish();
  /// Gives it up: the other end hears why. Its outcome here is this error.
  void abort(const Error& error);
  void expire(Instant now);
  /// No more comes on the stream below: `why` where it broke, nothing at its end.
  void closed(const std::optional<Error>& why);

  /// Once both ends have finished and everything was taken, or one gave up.
  [[nodiscard]] std::optional<Status> outcome() const;
  [[nodiscard]] bool is_over() const { return outcome().has_value(); }
  /// Nothing more will be written: what is in `output` is the last. An end that has finished still owes credit for what
  /// the other one goes on sending.
  [[nodiscard]] bool all_said() const { return (flow_.ended_here() && flow_.ended_there()) || is_over(); }
  [[nodiscard]] Instant deadline() const { return deadline_; }
  ByteQueue& output() { return flow_.output(); }
  [[nodiscard]] std::size_t held_bytes() const { return flow_.held_bytes() + opening_reader_.held_bytes(); }

 private:
  CallStream() = default;
  StreamingCall flow_;
  bool opened_ = false;
  FrameReader<OpeningFrame> opening_reader_;
  std::optional<StreamOpening> opening_;
  Instant deadline_;
  std::optional<Error> over_;  // why it ended, if not well
};

}  // namespace micro::p2p
