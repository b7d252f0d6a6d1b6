// Bech32m (BIP-350): text for bytes that people copy, with a prefix that names the network and a checksum that always
// catches up to four wrong characters.
#pragma once

#include <string>
#include <string_view>

#include "chain/base/bytes.hpp"

namespace micro {

/// Longest text for which the checksum keeps its promise, in characters.
inline constexpr std::size_t kMaxBech32mChars = 90;

/// Prefix and five-bit values of a text whose checksum holds. What the values mean is the caller's matter.
struct Bech32mParts {
  std::string hrp;  ///< lower case
  Bytes values;     ///< each < 32, without the checksum
};

/// `hrp` is 1 to 83 printable ASCII characters without upper case; the text must fit kMaxBech32mChars: both are the
/// caller's own constants, so a breach aborts.
std::string bech32m_encode(std::string_view hrp, ByteView data);

/// kInvalid with what is wrong: length, mixed case, a character outside the alphabet, another network's prefix, or the
/// checksum, then with the place of the wrong character where a single one explains it (and never its correction: a
/// guessed address would be paid).
Result<Bytes> bech32m_decode(std::string_view hrp_expected, std::string_view text);

/// The layer below bech32m_decode, for any prefix.
Result<Bech32mParts> bech32m_split(std::string_view text);

}  // namespace micro
