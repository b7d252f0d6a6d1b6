#include "p2p/gossip/message.hpp"

#include <sodium.h>

#include <cstring>

#include "chain/crypto/hash.hpp"

namespace micro::p2p {
namespace {

constexpr std::string_view kSignedPrefix = "libp2p-pubsub:";
constexpr std::size_t kContentIdBytes = 20;
constexpr std::size_t kSequenceBytes = 8;

// What a signature covers: the message without it and without the key.
Bytes signed_part(const MessageView& message) {
  MessageView bare = message;
  bare.signature.reset();
  bare.key.reset();
  Bytes out = to_bytes(kSignedPrefix);
  const Bytes encoded = encode_message(bare);
  out.insert(out.end(), encoded.begin(), encoded.end());
  return out;
}

Status check_signature(const MessageView& message) {
  if (!message.from || !message.signature || !message.sequence || message.sequence->size() != kSequenceBytes) {
    return fail(Fault::kMismatch, "a message that is not signed");
  }
  const auto author = PeerId::from(*message.from);
  if (!author) return fail(Fault::kMismatch, "a message of nobody");
  const ByteView encoded = message.key ? *message.key : author->inline_key();
  if (encoded.empty() || PeerId::of_encoded_key(encoded) != *author) {
    return fail(Fault::kMismatch, "a message without its author's key");
  }
  const auto key = IdentityKey::decode(encoded);
  if (!key || !key->verify(signed_part(message), *message.signature)) {
    return fail(Fault::kMismatch, "a message's signature is bad");
  }
  return {};
}

}  // namespace

Result<MessageId> MessageId::from(ByteView bytes) {
  if (bytes.size() > kMaxMessageIdBytes) return fail(Fault::kLimit, "a message's id is too long");
  MessageId out;
  out.size_ = static_cast<std::uint8_t>(bytes.size());
  if (!bytes.empty()) std::memcpy(out.bytes_.data(), bytes.data(), bytes.size());
  return out;
}

Result<MessageId> content_id(const MessageView& message) {
  const ByteView tag = as_bytes(domain::text(domain::kGossipMessage));
  const auto size = static_cast<std::uint32_t>(message.topic.size());
  std::array<std::uint8_t, 4> length{};
  for (unsigned n = 0; n < length.size(); ++n) length[n] = static_cast<std::uint8_t>(size >> (8 * n));
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  for (const ByteView part : {tag, ByteView(length), as_bytes(message.topic), message.data}) {
    crypto_hash_sha256_update(&state, part.data(), part.size());
  }
  Hash hash;
  crypto_hash_sha256_final(&state, hash.data.data());
  return MessageId::from(hash.view().first(kContentIdBytes));
}

Result<MessageId> author_id(const MessageView& message) {
  if (!message.from || !message.sequence) return fail(Fault::kInvalid, "a message without an author");
  Bytes both = to_bytes(*message.from);
  both.insert(both.end(), message.sequence->begin(), message.sequence->end());
  return MessageId::from(both);
}

Status check_signing(const MessageView& message, SigningPolicy policy) {
  if (policy == SigningPolicy::kStrictSign) return check_signature(message);
  if (message.from || message.sequence || message.signature || message.key) {
    return fail(Fault::kMismatch, "a message that names its author");
  }
  return {};
}

Result<SharedMessage> GossipMessage::make(const MessageView& message, const MessageId& id) {
  Bytes wire = encode_message(message);
  const MessageView own = TRY(decode_message(wire));
  return SharedMessage(new GossipMessage(std::move(wire), own, id));
}

Result<SharedMessage> GossipMessage::write(std::string_view topic, ByteView data, const HostKey* key,
                                           std::uint64_t sequence, const MessageIdOf& id_of) {
  MessageView message;
  message.data = data;
  message.topic = topic;
  std::array<std::uint8_t, kSequenceBytes> number{};
  for (unsigned n = 0; n < kSequenceBytes; ++n) number[n] = static_cast<std::uint8_t>(sequence >> (56 - 8 * n));
  Ed25519Signature signature;
  if (key != nullptr) {
    message.from = key->peer_id().view();
    message.sequence = ByteView(number);
    signature = key->sign(signed_part(message));
    message.signature = signature.view();
  }
  return make(message, TRY(id_of(message)));
}

}  // namespace micro::p2p
