// The part of Protocol Buffers' encoding that libp2p messages use: varints, bytes and nested messages. Fixed-width
// fields are skipped over, groups are refused. Order and unknown fields are the reader's business.
#pragma once

#include <optional>

#include "chain/base/bytes.hpp"

namespace micro::p2p {

struct ProtoField {
  enum class Kind : std::uint8_t { kVarint, kBytes, kFixed };
  std::uint32_t number = 0;
  Kind kind = Kind::kVarint;
  std::uint64_t value = 0;  ///< of a varint
  ByteView bytes = {};      ///< of bytes, text or a nested message: a part of the input
};

/// Walks the fields of one message. The input outlives the reader and its fields.
class ProtoReader {
 public:
  explicit ProtoReader(ByteView input) : input_(input) {}
  /// Nothing at the end; kInvalid for what is no message.
  Result<std::optional<ProtoField>> next();

 private:
  Result<std::uint64_t> varint();
  Result<ByteView> take(std::uint64_t bytes);
  ByteView input_;
};

/// Appends fields; zero and empty values are written too, for the peers that demand them.
class ProtoWriter {
 public:
  void varint(std::uint32_t number, std::uint64_t value);
  void bytes(std::uint32_t number, ByteView value);
  void text(std::uint32_t number, std::string_view value) { bytes(number, as_bytes(value)); }
  [[nodiscard]] const Bytes& view() const { return out_; }
  Bytes take() { return std::move(out_); }

 private:
  void raw(std::uint64_t value);
  Bytes out_;
};

/// A field that must hold bytes, or must hold a number.
Result<ByteView> proto_bytes(const ProtoField& field);
Result<std::uint64_t> proto_number(const ProtoField& field);

}  // namespace micro::p2p
