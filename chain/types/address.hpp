#pragma once

#include <string>
#include <string_view>

#include "chain/types/ids.hpp"

namespace micro {

/// Which network an address belongs to; its text prefix keeps people from mixing them up.
enum class NetworkKind : std::uint8_t { kMain = 0, kTest = 1, kDev = 2 };
inline bool is_known(NetworkKind k) { return k <= NetworkKind::kDev; }

/// bech32m prefix: mnet, tmnet, dmnet.
std::string_view address_prefix(NetworkKind kind);

/// tagged hash of (scheme 0 ‖ compressed key).
Address address_of(const PublicKey& key);

/// bech32m (BIP-350) of (version 0 ‖ address).
std::string address_text(NetworkKind kind, const Address& address);
/// Refuses another network's prefix, a wrong checksum and unknown versions, each with its own message.
Result<Address> parse_address(NetworkKind kind, std::string_view text);

/// "dmnet1qxtch…lgsy9p": enough for a person to compare, never parsed.
std::string address_brief(NetworkKind kind, const Address& address);

}  // namespace micro
