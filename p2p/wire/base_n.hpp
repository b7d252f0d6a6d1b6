// Text of binary identifiers: base58btc and base36 (numbers in another base, leading zero bytes kept) and base32
// (RFC 4648, lower case, no padding), as multibase uses them.
#pragma once

#include "chain/base/bytes.hpp"

namespace micro::p2p {

inline constexpr std::size_t kMaxBaseNBytes = 128;  ///< conversion takes time quadratic in the length

std::string to_base58(ByteView bytes);
Result<Bytes> from_base58(std::string_view text);
std::string to_base36(ByteView bytes);
Result<Bytes> from_base36(std::string_view text);
std::string to_base32(ByteView bytes);
/// Refuses bits behind the last whole byte that are not zero.
Result<Bytes> from_base32(std::string_view text);

}  // namespace micro::p2p
