#include "p2p/wire/peer_id.hpp"

#include <algorithm>

#include "chain/base/check.hpp"
#include "chain/crypto/hash.hpp"
#include "p2p/wire/base_n.hpp"

namespace micro::p2p {
namespace {

constexpr std::uint8_t kIdentityHash = 0x00;
constexpr std::uint8_t kSha256Hash = 0x12;
constexpr std::array<std::uint8_t, 2> kCidOfKey{0x01, 0x72};  // version 1, multicodec libp2p-key

Result<Bytes> from_multibase(std::string_view text) {
  switch (text.front()) {
    case 'b':
      return from_base32(text.substr(1));
    case 'k':
      return from_base36(text.substr(1));
    case 'z':
      return from_base58(text.substr(1));
    default:
      return fail(Fault::kInvalid, "a base that no peer id is written in");
  }
}

}  // namespace

PeerId PeerId::of_encoded_key(ByteView encoded_key) {
  CHECK(!encoded_key.empty(), "a key has bytes");
  PeerId id;
  const bool fits = encoded_key.size() <= kMaxInlineKeyBytes;
  const Hash hash = fits ? Hash{} : sha256(encoded_key);
  const ByteView digest = fits ? encoded_key : hash.view();
  id.bytes_[0] = fits ? kIdentityHash : kSha256Hash;
  id.bytes_[1] = static_cast<std::uint8_t>(digest.size());
  std::ranges::copy(digest, id.bytes_.begin() + 2);
  id.size_ = static_cast<std::uint8_t>(2 + digest.size());
  return id;
}

Result<PeerId> PeerId::from(ByteView multihash) {
  if (multihash.size() < 3 || multihash.size() > kMaxPeerIdBytes || multihash[1] != multihash.size() - 2 ||
      (multihash[0] != kIdentityHash && (multihash[0] != kSha256Hash || multihash[1] != 32))) {
    return fail(Fault::kInvalid, "not a peer id");
  }
  PeerId id;
  std::ranges::copy(multihash, id.bytes_.begin());
  id.size_ = static_cast<std::uint8_t>(multihash.size());
  return id;
}

Result<PeerId> PeerId::parse(std::string_view text) {
  if (text.empty()) return fail(Fault::kInvalid, "an empty peer id");
  // What begins so is a multihash without a base in front: no CID does, since 'Q' and '1' name no base.
  if (text.starts_with("Qm") || text.starts_with('1')) {
    const Bytes multihash = TRY(from_base58(text));
    return from(multihash);
  }
  const Bytes cid = TRY(from_multibase(text));
  if (cid.size() < kCidOfKey.size() || !std::equal(kCidOfKey.begin(), kCidOfKey.end(), cid.begin())) {
    return fail(Fault::kInvalid, "a CID of something else than a peer's key");
  }
  return from(ByteView(cid).subspan(kCidOfKey.size()));
}

ByteView PeerId::inline_key() const {
  return size_ > 2 && bytes_[0] == kIdentityHash ? view().subspan(2) : ByteView();
}

std::string PeerId::text() const {
  return to_base58(view());
}

std::string PeerId::cid_text() const {
  Bytes cid(kCidOfKey.begin(), kCidOfKey.end());
  cid.insert(cid.end(), view().begin(), view().end());
  return "b" + to_base32(cid);
}

}  // namespace micro::p2p
