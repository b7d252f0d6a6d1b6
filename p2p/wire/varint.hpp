// Unsigned varints of multiformats: seven bits a byte, least significant first, at most 63 bits, one form a number.
#pragma once

#include <optional>

#include "chain/base/bytes.hpp"

namespace micro::p2p {

inline constexpr std::size_t kMaxVarintBytes = 9;

struct VarintRead {
  std::uint64_t value = 0;
  std::size_t bytes = 0;  ///< of the input that it took
};

/// Nothing while bytes are missing; kInvalid for more than nine bytes and for a form that is not the shortest.
Result<std::optional<VarintRead>> read_varint(ByteView input);
/// The same where the input is whole: a missing byte is kInvalid too.
Result<VarintRead> read_whole_varint(ByteView input);
/// `value` is below 2^63.
void append_varint(Bytes& out, std::uint64_t value);
void append_bytes(Bytes& out, ByteView bytes);

}  // namespace micro::p2p
