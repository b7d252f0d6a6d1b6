// chain/crypto where there is no libsodium: BLAKE2b-256 by the portable lane, signatures by the host.
#include <cstring>

#include "chain/crypto/blake2b_lanes.hpp"
#include "chain/crypto/hash.hpp"
#include "consensus/light/wasm/signatures.hpp"

namespace micro {
namespace {

light::SignatureTable* table_of_call = nullptr;

Hash hash_of(std::initializer_list<ByteView> parts) {
  std::size_t size = 0;
  for (const ByteView part : parts) size += part.size();
  const std::size_t blocks = size == 0 ? 1 : (size + blake2b::kBlockBytes - 1) / blake2b::kBlockBytes;
  std::vector<std::uint64_t> words(blocks * blake2b::kBlockWords);
  auto* to = reinterpret_cast<std::uint8_t*>(words.data());
  for (const ByteView part : parts) {
    if (part.empty()) continue;
    std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
  const std::uint64_t bytes = size;
  std::array<std::uint64_t, 4> state{};
  blake2b::one_lane().kernel(words.data(), blocks, &bytes, state.data());
  Hash out;
  std::memcpy(out.data.data(), state.data(), Hash::kSize);
  return out;
}

}  // namespace

Hash tagged_hash(domain::Tag tag, std::initializer_list<ByteView> parts) {
  const std::string_view text = domain::text(tag);
  Bytes all{static_cast<std::uint8_t>(text.size())};
  all.insert(all.end(), text.begin(), text.end());
  for (const ByteView part : parts) all.insert(all.end(), part.begin(), part.end());
  return hash_of({all});
}

Hash blake2b_256(ByteView bytes) {
  return hash_of({bytes});
}

bool verify_ed25519(const Ed25519Key& key, const Hash& message, const Ed25519Signature& signature) {
  return table_of_call != nullptr && table_of_call->holds({key, message, signature});
}

namespace light {

SignatureTable::SignatureTable(const List<KnownSignature, kMaxSignatures>& known) {
  for (const auto& [claim, holds] : known) known_.emplace(claim, holds);
  table_of_call = this;
}

SignatureTable::~SignatureTable() {
  table_of_call = nullptr;
}

bool SignatureTable::holds(const SignatureClaim& claim) {
  const auto it = known_.find(claim);
  if (it != known_.end()) return it->second;
  if (needed_.size() < kMaxSignatures) needed_.insert(claim);
  return true;
}

Needed SignatureTable::take_needed() {
  Needed out;
  out.claims.assign(needed_.begin(), needed_.end());
  needed_.clear();
  return out;
}

}  // namespace light
}  // namespace micro
