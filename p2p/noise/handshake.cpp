#include "p2p/noise/handshake.hpp"

#include <sodium.h>

#include "chain/base/check.hpp"
#include "chain/crypto/hash.hpp"

namespace micro::p2p {
namespace {

constexpr std::string_view kNoiseName =
    "Noise_XX_25519_ChaChaPoly_SHA256";  // as long as a hash, so it is used as it is
constexpr std::size_t kDhBytes = 32;

Hash hmac(const Hash& key, std::initializer_list<ByteView> parts) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key.data.data(), key.data.size());
  for (const ByteView part : parts) crypto_auth_hmacsha256_update(&state, part.data(), part.size());
  Hash out;
  crypto_auth_hmacsha256_final(&state, out.data.data());
  return out;
}

// HKDF with two outputs (Noise §4.3).
std::pair<Hash, Hash> derive_two(const Hash& chaining_key, ByteView material) {
  static constexpr std::uint8_t kOne = 1;
  static constexpr std::uint8_t kTwo = 2;
  Hash temporary = hmac(chaining_key, {material});
  const Hash first = hmac(temporary, {ByteView(&kOne, 1)});
  const Hash second = hmac(temporary, {first, ByteView(&kTwo, 1)});
  sodium_memzero(temporary.data.data(), temporary.data.size());
  return {first, second};
}

void append(Bytes& out, ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

Result<ByteView> take_front(ByteView& message, std::size_t bytes) {
  if (message.size() < bytes) return fail(Fault::kInvalid, "a handshake message is cut off");
  const ByteView front = message.first(bytes);
  message = message.subspan(bytes);
  return front;
}

}  // namespace

DhKeys DhKeys::from_secret(const Hash& secret) {
  DhKeys keys;
  keys.secret = secret;
  crypto_scalarmult_curve25519_base(keys.public_key.data.data(), secret.data.data());
  return keys;
}

DhKeys::~DhKeys() {
  sodium_memzero(secret.data.data(), secret.data.size());
}

SymmetricState::SymmetricState() : hash_(Hash::from(as_bytes(kNoiseName)).value()), chaining_key_(hash_) {}

SymmetricState::~SymmetricState() {
  sodium_memzero(chaining_key_.data.data(), chaining_key_.data.size());
}

void SymmetricState::mix_hash(ByteView bytes) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, hash_.data.data(), hash_.data.size());
  crypto_hash_sha256_update(&state, bytes.data(), bytes.size());
  crypto_hash_sha256_final(&state, hash_.data.data());
}

void SymmetricState::mix_key(const Hash& secret) {
  const auto [chaining_key, key] = derive_two(chaining_key_, secret);
  chaining_key_ = chaining_key;
  cipher_.emplace(key);
}

void SymmetricState::encrypt_and_hash(ByteView plain, Bytes& out) {
  const std::size_t at = out.size();
  out.resize(at + plain.size() + tag_bytes());
  if (cipher_) {
    cipher_->seal(hash_, plain, out.data() + at);
  } else {
    std::copy(plain.begin(), plain.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
  }
  mix_hash(ByteView(out).subspan(at));
}

Result<Bytes> SymmetricState::decrypt_and_hash(ByteView sealed) {
  Bytes plain = to_bytes(sealed);
  if (cipher_) {
    const auto opened = TRY(cipher_->open(hash_, plain));
    plain.resize(opened.size());
  }
  mix_hash(sealed);
  return plain;
}

std::pair<NoiseCipher, NoiseCipher> SymmetricState::split() const {
  const auto [first, second] = derive_two(chaining_key_, {});
  return {NoiseCipher(first), NoiseCipher(second)};
}

NoiseHandshake::NoiseHandshake(Role role, const DhKeys& static_keys, const DhKeys& ephemeral, ByteView prologue)
    : role_(role), static_(static_keys), ephemeral_(ephemeral) {
  state_.mix_hash(prologue);
}

Status NoiseHandshake::mix_dh(const DhKeys& ours, const Hash& theirs) {
  Hash shared;
  // Refuses the points of small order, whose product is zero whatever our secret.
  if (crypto_scalarmult_curve25519(shared.data.data(), ours.secret.data.data(), theirs.data.data()) != 0) {
    return fail(Fault::kDenied, "a key of the handshake gives no secret");
  }
  state_.mix_key(shared);
  sodium_memzero(shared.data.data(), shared.data.size());
  return {};
}

Status NoiseHandshake::write(ByteView payload, Bytes& out) {
  CHECK(writes_next(), "it is our turn");
  if (message_ < 2) {
    append(out, ephemeral_.public_key);
    state_.mix_hash(ephemeral_.public_key);
  }
  if (message_ == 1) TRY(mix_dh(ephemeral_, remote_ephemeral_));
  if (message_ > 0) {
    state_.encrypt_and_hash(static_.public_key, out);
    TRY(mix_dh(static_, remote_ephemeral_));
  }
  state_.encrypt_and_hash(payload, out);
  ++message_;
  return {};
}

Result<Bytes> NoiseHandshake::read(ByteView message) {
  CHECK(!writes_next() && !finished(), "it is the other side's turn");
  if (message_ < 2) {
    remote_ephemeral_ = Hash::from(TRY(take_front(message, kDhBytes))).value();
    state_.mix_hash(remote_ephemeral_);
  }
  if (message_ == 1) TRY(mix_dh(ephemeral_, remote_ephemeral_));
  if (message_ > 0) {
    const Bytes key = TRY(state_.decrypt_and_hash(TRY(take_front(message, kDhBytes + state_.tag_bytes()))));
    remote_static_ = Hash::from(key).value();
    TRY(mix_dh(ephemeral_, remote_static_));
  }
  Bytes payload = TRY(state_.decrypt_and_hash(message));
  ++message_;
  return payload;
}

NoiseHandshake::Ciphers NoiseHandshake::split() const {
  CHECK(finished(), "keys come after the last message");
  auto [first, second] = state_.split();
  if (role_ == Role::kInitiator) return {.send = first, .receive = second};
  return {.send = second, .receive = first};
}

}  // namespace micro::p2p
