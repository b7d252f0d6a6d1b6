#include "p2p/wire/protobuf.hpp"

namespace micro::p2p {
namespace {

constexpr std::size_t kMaxProtoVarintBytes = 10;  // negative 32-bit numbers are written in ten bytes
constexpr std::uint64_t kMaxFieldNumber = (1U << 29) - 1;

}  // namespace

Result<std::uint64_t> ProtoReader::varint() {
  std::uint64_t value = 0;
  for (std::size_t at = 0; at < kMaxProtoVarintBytes && at < input_.size(); ++at) {
    const std::uint8_t byte = input_[at];
    if (at == kMaxProtoVarintBytes - 1 && byte > 1) break;
    value |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * at);
    if ((byte & 0x80) != 0) continue;
    input_ = input_.subspan(at + 1);
    return value;
  }
  return fail(Fault::kInvalid, "a number of a message is cut off or too long");
}

Result<ByteView> ProtoReader::take(std::uint64_t bytes) {
  if (bytes > input_.size()) return fail(Fault::kInvalid, "a field reaches beyond its message");
  const ByteView taken = input_.first(static_cast<std::size_t>(bytes));
  input_ = input_.subspan(taken.size());
  return taken;
}

Result<std::optional<ProtoField>> ProtoReader::next() {
  if (input_.empty()) return std::nullopt;
  const std::uint64_t tag = TRY(varint());
  if (tag >> 3 == 0 || tag >> 3 > kMaxFieldNumber) return fail(Fault::kInvalid, "a field number out of range");
  ProtoField field{.number = static_cast<std::uint32_t>(tag >> 3)};
  switch (tag & 7) {
    case 0:
      field.value = TRY(varint());
      break;
    case 1:
      field.kind = ProtoField::Kind::kFixed;
      field.bytes = TRY(take(8));
      break;
    case 2: {
      field.kind = ProtoField::Kind::kBytes;
      const std::uint64_t size = TRY(varint());
      field.bytes = TRY(take(size));
      break;
    }
    case 5:
      field.kind = ProtoField::Kind::kFixed;
      field.bytes = TRY(take(4));
      break;
    default:
      return fail(Fault::kInvalid, "a field of a kind that nobody writes");
  }
  return field;
}

void ProtoWriter::raw(std::uint64_t value) {
  while (value >= 0x80) {
    out_.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out_.push_back(static_cast<std::uint8_t>(value));
}

void ProtoWriter::varint(std::uint32_t number, std::uint64_t value) {
  raw(static_cast<std::uint64_t>(number) << 3);
  raw(value);
}

void ProtoWriter::bytes(std::uint32_t number, ByteView value) {
  raw(static_cast<std::uint64_t>(number) << 3 | 2);
  raw(value.size());
  out_.insert(out_.end(), value.begin(), value.end());
}

Result<ByteView> proto_bytes(const ProtoField& field) {
  if (field.kind != ProtoField::Kind::kBytes) return fail(Fault::kInvalid, "a field holds no bytes");
  return field.bytes;
}

Result<std::uint64_t> proto_number(const ProtoField& field) {
  if (field.kind != ProtoField::Kind::kVarint) return fail(Fault::kInvalid, "a field holds no number");
  return field.value;
}

}  // namespace micro::p2p
