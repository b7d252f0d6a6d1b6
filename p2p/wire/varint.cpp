#include "p2p/wire/varint.hpp"

namespace micro::p2p {

Result<std::optional<VarintRead>> read_varint(ByteView input) {
  VarintRead read;
  while (read.bytes < input.size() && read.bytes < kMaxVarintBytes) {
    const std::uint8_t byte = input[read.bytes];
    read.value |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * read.bytes);
    ++read.bytes;
    if ((byte & 0x80) != 0) continue;
    if (byte == 0 && read.bytes > 1) return fail(Fault::kInvalid, "a varint is not in its shortest form");
    return read;
  }
  if (read.bytes == kMaxVarintBytes) return fail(Fault::kInvalid, "a varint is longer than 9 bytes");
  return std::nullopt;
}

Result<VarintRead> read_whole_varint(ByteView input) {
  const auto read = TRY(read_varint(input));
  if (!read) return fail(Fault::kInvalid, "a varint is cut off");
  return *read;
}

void append_varint(Bytes& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

void append_bytes(Bytes& out, ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace micro::p2p
