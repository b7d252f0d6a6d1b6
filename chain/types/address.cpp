#include "chain/types/address.hpp"

#include "chain/codec/bech32m.hpp"
#include "chain/crypto/hash.hpp"

namespace micro {
namespace {
constexpr std::uint8_t kNativeScheme = 0;
constexpr std::uint8_t kAddressVersion = 0;
}  // namespace

std::string_view address_prefix(NetworkKind kind) {
  switch (kind) {
    case NetworkKind::kMain:
      return "mnet";
    case NetworkKind::kTest:
      return "tmnet";
    case NetworkKind::kDev:
      return "dmnet";
  }
  return "";
}

Address address_of(const PublicKey& key) {
  return tagged_hash(domain::kAddress, {ByteView(&kNativeScheme, 1), key.view()}).as<Address>();
}

std::string address_text(NetworkKind kind, const Address& address) {
  Bytes payload{kAddressVersion};
  payload.insert(payload.end(), address.data.begin(), address.data.end());
  return bech32m_encode(address_prefix(kind), payload);
}

Result<Address> parse_address(NetworkKind kind, std::string_view text) {
  const Bytes payload = TRY(bech32m_decode(address_prefix(kind), text));
  if (payload.size() != 1 + Address::kSize) return fail(Fault::kInvalid, "an address has 33 bytes of data");
  if (payload[0] != kAddressVersion) {
    return fail(Fault::kInvalid, "address version " + std::to_string(payload[0]) + " is not known to this program");
  }
  return Address::from(ByteView(payload).subspan(1));
}

std::string address_brief(NetworkKind kind, const Address& address) {
  const std::string text = address_text(kind, address);
  return text.substr(0, 10) + "…" + text.substr(text.size() - 6);
}

}  // namespace micro
