#include "p2p/wire/base_n.hpp"

#include <algorithm>

#include "chain/base/check.hpp"

namespace micro::p2p {
namespace {

constexpr std::string_view kBase58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view kBase36 = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";

std::string to_base(std::string_view alphabet, ByteView bytes) {
  CHECK(bytes.size() <= kMaxBaseNBytes, "identifiers are short");
  const unsigned base = static_cast<unsigned>(alphabet.size());
  Bytes digits;  // least significant first
  for (const std::uint8_t byte : bytes) {
    unsigned carry = byte;
    for (std::uint8_t& digit : digits) {
      carry += static_cast<unsigned>(digit) << 8;
      digit = static_cast<std::uint8_t>(carry % base);
      carry /= base;
    }
    for (; carry > 0; carry /= base) digits.push_back(static_cast<std::uint8_t>(carry % base));
  }
  std::string text;
  for (std::size_t at = 0; at < bytes.size() && bytes[at] == 0; ++at) text += alphabet[0];
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) text += alphabet[*digit];
  return text;
}

Result<Bytes> from_base(std::string_view alphabet, std::string_view text) {
  if (text.size() > 2 * kMaxBaseNBytes) return fail(Fault::kLimit, "an identifier of more than 256 characters");
  const unsigned base = static_cast<unsigned>(alphabet.size());
  Bytes bytes;  // least significant first
  for (const char c : text) {
    const std::size_t digit = alphabet.find(c);
    if (digit == std::string_view::npos) return fail(Fault::kInvalid, "a character that is no digit of this base");
    unsigned carry = static_cast<unsigned>(digit);
    for (std::uint8_t& byte : bytes) {
      carry += byte * base;
      byte = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    if (carry > 0) bytes.push_back(static_cast<std::uint8_t>(carry));
  }
  for (std::size_t at = 0; at < text.size() && text[at] == alphabet[0]; ++at) bytes.push_back(0);
  std::ranges::reverse(bytes);
  if (bytes.size() > kMaxBaseNBytes) return fail(Fault::kLimit, "an identifier of more than 128 bytes");
  return bytes;
}

}  // namespace

std::string to_base58(ByteView bytes) {
  return to_base(kBase58, bytes);
}
Result<Bytes> from_base58(std::string_view text) {
  return from_base(kBase58, text);
}
std::string to_base36(ByteView bytes) {
  return to_base(kBase36, bytes);
}
Result<Bytes> from_base36(std::string_view text) {
  return from_base(kBase36, text);
}

std::string to_base32(ByteView bytes) {
  std::string text;
  unsigned bits = 0;
  unsigned held = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8 | byte) & 0xFFFF;
    for (held += 8; held >= 5; held -= 5) text += kBase32[bits >> (held - 5) & 31];
  }
  if (held > 0) text += kBase32[bits << (5 - held) & 31];
  return text;
}

Result<Bytes> from_base32(std::string_view text) {
  if (text.size() > 2 * kMaxBaseNBytes) return fail(Fault::kLimit, "an identifier of more than 256 characters");
  Bytes bytes;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::size_t digit = kBase32.find(c);
    if (digit == std::string_view::npos) return fail(Fault::kInvalid, "a character that is no digit of base32");
    bits = (bits << 5 | static_cast<unsigned>(digit)) & 0xFFF;
    held += 5;
    if (held < 8) continue;
    held -= 8;
    bytes.push_back(static_cast<std::uint8_t>(bits >> held));
  }
  if (held >= 5 || (bits & ((1U << held) - 1)) != 0) return fail(Fault::kInvalid, "base32 with bits left over");
  return bytes;
}

}  // namespace micro::p2p
