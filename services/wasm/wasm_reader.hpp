// Reads the binary format's integers and names, never past the end.
#pragma once

#include <cstdint>
#include <string>

#include "chain/base/bytes.hpp"
#include "chain/codec/codec.hpp"

namespace micro::wasm {

class WasmReader {
 public:
  WasmReader(ByteView whole, std::size_t begin, std::size_t end) : whole_(whole), at_(begin), end_(end) {}
  explicit WasmReader(ByteView whole) : WasmReader(whole, 0, whole.size()) {}

  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::size_t left() const { return end_ - at_; }
  [[nodiscard]] bool done() const { return at_ == end_; }

  Result<std::uint8_t> byte() {
    if (at_ >= end_)
      return fail(Fault::kInvalid, "the module ends at byte " + std::to_string(at_) + ", inside an item");
    return whole_[at_++];
  }
  Status skip(std::size_t n) {
    if (n > left())
      return fail(Fault::kInvalid, "an item at byte " + std::to_string(at_) + " is longer than its section");
    at_ += n;
    return {};
  }
  /// Unsigned LEB128 of at most 32 bits in at most 5 bytes.
  Result<std::uint32_t> u32() { return static_cast<std::uint32_t>(TRY(leb(32))); }
  /// The value is irrelevant to the caller; signed and unsigned LEB128 have the same length rule.
  Status skip_leb(unsigned bits) {
    for (unsigned read = 0; read < bits; read += 7) {
      if ((TRY(byte()) & 0x80) == 0) return {};
    }
    return fail(Fault::kInvalid, "an integer before byte " + std::to_string(at_) + " is too long");
  }
  Result<std::string> name(std::size_t max_bytes) {
    const std::uint32_t n = TRY(u32());
    if (n > max_bytes)
      return fail(Fault::kLimit,
                  "a name of " + std::to_string(n) + " bytes, the limit is " + std::to_string(max_bytes));
    const std::size_t from = at_;
    TRY(skip(n));
    std::string text(as_text(whole_.subspan(from, n)));
    if (!is_valid_utf8(text)) return fail(Fault::kInvalid, "a name at byte " + std::to_string(from) + " is not UTF-8");
    return text;
  }

 private:
  Result<std::uint64_t> leb(unsigned bits) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
      const std::uint8_t b = TRY(byte());
      const unsigned room = bits - shift;
      if (room < 7 && (b & 0x7f) >> room != 0) break;
      value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if ((b & 0x80) == 0) return value;
    }
    return fail(Fault::kInvalid, "an integer before byte " + std::to_string(at_) + " is too long");
  }

  ByteView whole_;
  std::size_t at_;
  std::size_t end_;
};

}  // namespace micro::wasm
