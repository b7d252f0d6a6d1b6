#include "p2p/wire/identity.hpp"

#include <secp256k1.h>
#include <sodium.h>

#include "chain/crypto/hash.hpp"
#include "p2p/wire/protobuf.hpp"

namespace micro::p2p {
namespace {

constexpr std::size_t kEd25519Bytes = 32;
constexpr std::size_t kSecp256k1Bytes = 33;

bool verify_der(ByteView key, ByteView message, ByteView signature) {
  secp256k1_pubkey point;
  secp256k1_ecdsa_signature parsed;
  const secp256k1_context* context = secp256k1_context_static;
  if (secp256k1_ec_pubkey_parse(context, &point, key.data(), key.size()) != 1 ||
      secp256k1_ecdsa_signature_parse_der(context, &parsed, signature.data(), signature.size()) != 1) {
    return false;
  }
  // Other stacks accept both forms of s, and nothing here depends on a signature having one encoding.
  secp256k1_ecdsa_signature_normalize(context, &parsed, &parsed);
  return secp256k1_ecdsa_verify(context, &parsed, sha256(message).data.data(), &point) == 1;
}

}  // namespace

Result<IdentityKey> IdentityKey::decode(ByteView encoded) {
  if (encoded.size() > kMaxEncodedKeyBytes) return fail(Fault::kLimit, "a key of a type that is not accepted");
  std::uint64_t type = 0;
  ByteView data;
  ProtoReader reader(encoded);
  while (const auto field = TRY(reader.next())) {
    if (field->number == 1) type = TRY(proto_number(*field));
    if (field->number == 2) data = TRY(proto_bytes(*field));
  }
  const bool ed25519 = type == static_cast<std::uint64_t>(KeyType::kEd25519) && data.size() == kEd25519Bytes;
  const bool secp256k1 = type == static_cast<std::uint64_t>(KeyType::kSecp256k1) && data.size() == kSecp256k1Bytes;
  if (!ed25519 && !secp256k1) return fail(Fault::kInvalid, "a key of a type that is not accepted");
  return IdentityKey{.type = static_cast<KeyType>(type), .data = to_bytes(data)};
}

Bytes IdentityKey::encode() const {
  ProtoWriter writer;
  writer.varint(1, static_cast<std::uint64_t>(type));
  writer.bytes(2, data);
  return writer.take();
}

bool IdentityKey::verify(ByteView message, ByteView signature) const {
  if (type == KeyType::kSecp256k1) return verify_der(data, message, signature);
  return data.size() == kEd25519Bytes && signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(signature.data(), message.data(), message.size(), data.data()) == 0;
}

HostKey HostKey::generate(Random& random) {
  Hash seed = random.draw<Hash>();
  HostKey key = from_seed(seed);
  sodium_memzero(seed.data.data(), seed.data.size());
  return key;
}

HostKey HostKey::from_seed(const Hash& seed) {
  HostKey key;
  key.public_key_.data.resize(kEd25519Bytes);
  crypto_sign_seed_keypair(key.public_key_.data.data(), key.expanded_.data(), seed.data.data());
  key.peer_id_ = key.public_key_.peer_id();
  return key;
}

HostKey::~HostKey() {
  sodium_memzero(expanded_.data(), expanded_.size());
}

Ed25519Signature HostKey::sign(ByteView message) const {
  Ed25519Signature out;
  crypto_sign_detached(out.data.data(), nullptr, message.data(), message.size(), expanded_.data());
  return out;
}

}  // namespace micro::p2p
