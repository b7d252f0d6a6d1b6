#include "p2p/relay/short_ids.hpp"

#include <algorithm>
#include <optional>

#include "chain/crypto/hash.hpp"

namespace micro::p2p {

SipKey short_id_key(ByteView header, std::uint64_t nonce) {
  Bytes both = to_bytes(header);
  for (unsigned n = 0; n < 8; ++n) both.push_back(static_cast<std::uint8_t>(nonce >> (8 * n)));
  const Hash hash = sha256(both);
  SipKey out{};
  std::copy_n(hash.data.begin(), out.size(), out.begin());
  return out;
}

ShortItemId short_id_of(const SipKey& key, const ItemId& id) {
  const std::uint64_t hash = siphash(key, id);
  ShortItemId out;
  for (unsigned n = 0; n < ShortItemId::kSize; ++n) out.data[n] = static_cast<std::uint8_t>(hash >> (8 * n));
  return out;
}

std::vector<std::uint32_t> short_id_places(const CompactBlock& compact) {
  std::vector<std::uint32_t> out;
  auto prefilled = compact.prefilled.begin();
  for (std::uint32_t at = 0; out.size() < compact.short_ids.size(); ++at) {
    if (prefilled != compact.prefilled.end() && prefilled->index == at) {
      ++prefilled;
    } else {
      out.push_back(at);
    }
  }
  return out;
}

bool is_sound(const CompactBlock& compact) {
  const std::size_t total = compact.short_ids.size() + compact.prefilled.size();
  if (total > kMaxBlockItems) return false;
  std::optional<std::uint32_t> last;
  for (const PrefilledItem& one : compact.prefilled) {
    if (one.index >= total || (last && one.index <= *last)) return false;
    last = one.index;
  }
  return true;
}

}  // namespace micro::p2p
