// What gossipsub peers send each other (libp2p specs, pubsub/gossipsub 1.0 to 1.2): one message of Protocol Buffers a
// frame. Everything read is a part of the frame: who keeps something copies it.
#pragma once

#include <optional>
#include <vector>

#include "chain/base/bytes.hpp"

namespace micro::p2p {

struct SubscriptionView {
  bool subscribe = false;
  std::string_view topic;
  bool operator==(const SubscriptionView&) const = default;
};

/// A published message. Absent and empty differ: what a policy of no signatures refuses is that they are there.
struct MessageView {
  std::optional<ByteView> from;
  ByteView data;
  std::optional<ByteView> sequence;
  std::string_view topic;
  std::optional<ByteView> signature;
  std::optional<ByteView> key;
};

struct IhaveView {
  std::string_view topic;
  std::vector<ByteView> ids;
};

struct SuggestedPeerView {
  ByteView peer;
  ByteView record;  ///< signed; may be empty
};

struct PruneView {
  std::string_view topic;
  std::vector<SuggestedPeerView> peers;
  std::optional<std::uint64_t> backoff_s;
};

struct RpcView {
  std::vector<SubscriptionView> subscriptions;
  std::vector<MessageView> messages;
  std::vector<IhaveView> ihaves;
  std::vector<ByteView> iwants;  ///< ids of all IWANTs
  std::vector<std::string_view> grafts;
  std::vector<PruneView> prunes;
  std::vector<ByteView> dont_wants;  ///< ids of all IDONTWANTs
};

/// kInvalid for what is no message; kLimit for more than what one frame may hold. Unknown fields are passed over.
Result<RpcView> decode_rpc(ByteView frame);
Bytes encode_rpc(const RpcView& rpc);
/// One published message alone, as it stands inside of an RPC.
Result<MessageView> decode_message(ByteView message);
Bytes encode_message(const MessageView& message);

}  // namespace micro::p2p
