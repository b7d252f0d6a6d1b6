// A message of a topic, its id and who vouches for it.
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "p2p/gossip/params.hpp"
#include "p2p/gossip/rpc.hpp"
#include "p2p/wire/identity.hpp"

namespace micro::p2p {

/// What a network calls a message: up to kMaxMessageIdBytes bytes, the same for all who hold it.
class MessageId {
 public:
  MessageId() = default;
  /// kLimit.
  static Result<MessageId> from(ByteView bytes);
  [[nodiscard]] ByteView view() const { return {bytes_.data(), size_}; }
  /// Bytes behind the size are zero, so that members compare.
  auto operator<=>(const MessageId&) const = default;

 private:
  std::array<std::uint8_t, kMaxMessageIdBytes> bytes_{};
  std::uint8_t size_ = 0;
};

using MessageIdOf = std::function<Result<MessageId>(const MessageView& message)>;

/// The first 20 bytes of SHA-256(tag ‖ u32 length of topic ‖ topic ‖ data): equal content is one message, whoever sends
/// it.
Result<MessageId> content_id(const MessageView& message);
/// Author and sequence number, as stock peers have it where messages are signed. kInvalid where one is missing.
Result<MessageId> author_id(const MessageView& message);

enum class SigningPolicy : std::uint8_t {
  kStrictNoSign,  ///< nobody says who wrote it: author, sequence number, signature and key must be absent
  kStrictSign,    ///< all of them must be there and right; the key may be left out where the peer id holds it
};

/// kMismatch where it breaks the policy.
Status check_signing(const MessageView& message, SigningPolicy policy);

/// Never changed; shared by the caches and queues that hold it.
class GossipMessage {
 public:
  /// Copies it. kLimit.
  static Result<std::shared_ptr<const GossipMessage>> make(const MessageView& message, const MessageId& id);
  /// A message of ours. Signed, with this sequence number, where a key is given.
  static Result<std::shared_ptr<const GossipMessage>> write(std::string_view topic, ByteView data, const HostKey* key,
                                                            std::uint64_t sequence, const MessageIdOf& id_of);

  GossipMessage(const GossipMessage&) = delete;
  GossipMessage& operator=(const GossipMessage&) = delete;
  [[nodiscard]] const MessageId& id() const { return id_; }
  [[nodiscard]] std::string_view topic() const { return view_.topic; }
  [[nodiscard]] ByteView data() const { return view_.data; }
  /// Who says to have written it; empty where nobody does.
  [[nodiscard]] ByteView author() const { return view_.from.value_or(ByteView()); }
  /// As it stands inside of an RPC.
  [[nodiscard]] const Bytes& wire() const { return wire_; }

 private:
  GossipMessage(Bytes wire, const MessageView& view, const MessageId& id)
      : wire_(std::move(wire)), view_(view), id_(id) {}
  Bytes wire_;
  MessageView view_;  // of wire_, whose memory moves with it
  MessageId id_;
};

// Shared: a message is in the cache, at the application and in the queues of several peers at once.
using SharedMessage = std::shared_ptr<const GossipMessage>;

}  // namespace micro::p2p
