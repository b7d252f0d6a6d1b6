#include "chain/crypto/hash.hpp"

#include <sodium.h>

namespace micro {
namespace {
// One hash state per tag, already fed with the tag, is copied for every use.
struct TagStates {
  std::array<crypto_generichash_state, domain::kTexts.size()> states{};
  TagStates() {
    for (std::size_t i = 0; i < states.size(); ++i) {
      crypto_generichash_init(&states[i], nullptr, 0, Hash::kSize);
      const auto text = domain::kTexts[i];
      const auto length = static_cast<std::uint8_t>(text.size());
      crypto_generichash_update(&states[i], &length, 1);
      crypto_generichash_update(&states[i], reinterpret_cast<const unsigned char*>(text.data()), text.size());
    }
  }
};
}  // namespace

Hash tagged_hash(domain::Tag tag, std::initializer_list<ByteView> parts) {
  static const TagStates start;
  crypto_generichash_state state = start.states[static_cast<std::size_t>(tag)];
  for (const ByteView part : parts) crypto_generichash_update(&state, part.data(), part.size());
  Hash out;
  crypto_generichash_final(&state, out.data.data(), Hash::kSize);
  return out;
}

Hash blake2b_256(ByteView bytes) {
  Hash out;
  crypto_generichash(out.data.data(), Hash::kSize, bytes.data(), bytes.size(), nullptr, 0);
  return out;
}

Hash sha256(ByteView bytes) {
  Hash out;
  crypto_hash_sha256(out.data.data(), bytes.data(), bytes.size());
  return out;
}

Hash keyed_hash(const Hash& key, domain::Tag tag, ByteView bytes) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, key.data.data(), Hash::kSize, Hash::kSize);
  const auto text = domain::text(tag);
  const auto length = static_cast<std::uint8_t>(text.size());
  crypto_generichash_update(&state, &length, 1);
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  crypto_generichash_update(&state, bytes.data(), bytes.size());
  Hash out;
  crypto_generichash_final(&state, out.data.data(), Hash::kSize);
  return out;
}

}  // namespace micro
