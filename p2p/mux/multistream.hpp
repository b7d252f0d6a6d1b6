// multistream-select 1.0: both sides say "/multistream/1.0.0", the dialer proposes protocols one after another, the
// listener repeats the first that it speaks and answers "na" to the others. A message is a varint length, text, '\n'.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "p2p/wire/byte_queue.hpp"

namespace micro::p2p {

inline constexpr std::string_view kMultistreamHeader = "/multistream/1.0.0";
inline constexpr std::size_t kMaxMultistreamBytes = 1'024;  ///< one message, its '\n' included
inline constexpr std::size_t kMaxProposals = 64;            ///< a listener hears no more

using ProtocolSet = std::set<std::string, std::less<>>;

/// One side of one negotiation. It takes no byte that belongs to the protocol behind it.
class Multistream {
 public:
  enum class State : std::uint8_t { kRunning, kAgreed, kRefused };

  /// Proposes these in their order; at least one.
  static Multistream dialer(std::vector<std::string> proposals);
  /// Accepts what is in the set, which outlives the negotiation.
  static Multistream listener(const ProtocolSet& protocols);

  /// What a dialer says first: header and first proposal in one flight.
  void start(ByteQueue& out);
  /// How much of the input it took; the rest belongs to the protocol once agreed. kInvalid and kLimit end it.
  Result<std::size_t> feed(ByteView input, ByteQueue& out);
  [[nodiscard]] State state() const { return state_; }
  /// Once agreed.
  [[nodiscard]] const std::string& protocol() const { return protocol_; }

 private:
  Status on_message(std::string_view text, ByteQueue& out);
  Status on_proposal(std::string_view text, ByteQueue& out);
  Status on_answer(std::string_view text, ByteQueue& out);

  std::vector<std::string> proposals_;      // of a dialer
  const ProtocolSet* protocols_ = nullptr;  // of a listener
  std::size_t at_ = 0;                      // proposals made or heard
  bool header_heard_ = false;
  State state_ = State::kRunning;
  std::string protocol_;
  Bytes partial_;  // a message of which bytes are missing
};

}  // namespace micro::p2p
