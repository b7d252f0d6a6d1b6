#include "chain/codec/bech32m.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "chain/base/check.hpp"

namespace micro {
namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::uint32_t kBech32mConstant = 0x2bc830a3;
constexpr std::uint32_t kBech32Constant = 1;  // BIP-173, recognized only to say so
constexpr std::size_t kChecksumChars = 6;
constexpr std::size_t kMaxHrpChars = 83;
constexpr char kFirstPrintable = 33;
constexpr char kLastPrintable = 126;

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

// One step of the BCH code's remainder over GF(32); linear over XOR, which find_single_error uses.
std::uint32_t polymod_step(std::uint32_t state, std::uint32_t value) {
  constexpr std::array<std::uint32_t, 5> kGenerator = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  const std::uint32_t top = state >> 25;
  state = ((state & 0x1ffffff) << 5) ^ value;
  for (std::size_t i = 0; i < kGenerator.size(); ++i) {
    if ((top >> i & 1) != 0) state ^= kGenerator[i];
  }
  return state;
}

std::uint32_t polymod_of_hrp(std::string_view hrp) {
  std::uint32_t state = 1;
  for (const char c : hrp) state = polymod_step(state, static_cast<std::uint32_t>(c) >> 5);
  state = polymod_step(state, 0);
  for (const char c : hrp) state = polymod_step(state, static_cast<std::uint32_t>(c) & 31);
  return state;
}

std::uint32_t polymod(std::string_view hrp, ByteView values) {
  std::uint32_t state = polymod_of_hrp(hrp);
  for (const std::uint8_t v : values) state = polymod_step(state, v);
  return state;
}

// An error e at k places from the end adds e·x^k to the remainder. The code's distance is 5, so at most one place fits.
std::optional<std::size_t> find_single_error(std::uint32_t syndrome, std::size_t values) {
  for (std::uint32_t error = 1; error < 32; ++error) {
    std::uint32_t state = error;
    for (std::size_t from_end = 0; from_end < values; ++from_end) {
      if (state == syndrome) return values - 1 - from_end;
      state = polymod_step(state, 0);
    }
  }
  return std::nullopt;
}

Bytes to_values(ByteView data) {
  Bytes out;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const std::uint8_t byte : data) {
    buffer = (buffer << 8 | byte) & 0xfff;
    for (bits += 8; bits >= 5;) {
      bits -= 5;
      out.push_back(static_cast<std::uint8_t>(buffer >> bits & 31));
    }
  }
  if (bits > 0) out.push_back(static_cast<std::uint8_t>(buffer << (5 - bits) & 31));
  return out;
}

Result<Bytes> from_values(ByteView values) {
  Bytes out;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const std::uint8_t value : values) {
    buffer = (buffer << 5 | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(buffer >> bits));
    }
  }
  // One text for one value: the padding is short and zero.
  if (bits >= 5 || (buffer & ((1U << bits) - 1)) != 0) {
    return fail(Fault::kInvalid, "bech32m text does not hold whole bytes");
  }
  return out;
}

std::string character_at(char c, std::size_t index) {
  const bool shown = c > kFirstPrintable && c <= kLastPrintable;
  return (shown ? std::string("'") + c + "' " : std::string()) + "at position " + std::to_string(index + 1);
}

Status check_characters(std::string_view text) {
  if (text.size() > kMaxBech32mChars) {
    return fail(Fault::kInvalid, "bech32m text has " + std::to_string(text.size()) + " characters, the limit is " +
                                     std::to_string(kMaxBech32mChars));
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] < kFirstPrintable || text[i] > kLastPrintable) {
      return fail(Fault::kInvalid, "a character that is not printable ASCII " + character_at(text[i], i),
                  "copy the text again, without spaces");
    }
  }
  if (std::ranges::any_of(text, is_upper) && std::ranges::any_of(text, is_lower)) {
    return fail(Fault::kInvalid, "upper and lower case are mixed", "bech32m text is all lower or all upper case");
  }
  return {};
}

// `parts.values` still ends with the checksum.
Status check_checksum(const Bech32mParts& parts) {
  const std::uint32_t remainder = polymod(parts.hrp, parts.values);
  if (remainder == kBech32mConstant) return {};
  if (remainder == kBech32Constant) {
    return fail(Fault::kInvalid, "the checksum is that of bech32, not of bech32m",
                "addresses of older formats are not used here");
  }
  const auto at = find_single_error(remainder ^ kBech32mConstant, parts.values.size());
  if (!at)
    return fail(Fault::kInvalid, "the checksum does not match", "compare it with the original and copy it again");
  const std::size_t index = parts.hrp.size() + 1 + *at;
  return fail(Fault::kInvalid,
              "the checksum does not match; the character " + character_at(kAlphabet[parts.values[*at]], index) +
                  " is likely wrong",
              "compare it with the original and copy it again");
}

Result<Bech32mParts> split_unchecked(std::string_view text) {
  TRY(check_characters(text));
  const std::size_t separator = text.rfind('1');
  if (separator == std::string_view::npos) return fail(Fault::kInvalid, "no '1' between a prefix and the data");
  if (separator == 0) return fail(Fault::kInvalid, "no prefix before the '1'");
  if (text.size() - separator - 1 < kChecksumChars) return fail(Fault::kInvalid, "too short to hold a checksum");
  Bech32mParts out;
  out.hrp = text.substr(0, separator);
  std::ranges::transform(out.hrp, out.hrp.begin(), lower);
  for (std::size_t i = separator + 1; i < text.size(); ++i) {
    const std::size_t value = kAlphabet.find(lower(text[i]));
    if (value == std::string_view::npos) {
      return fail(Fault::kInvalid, "the character " + character_at(text[i], i) + " is never used",
                  "'b', 'i', 'o' and '1' do not occur after the prefix");
    }
    out.values.push_back(static_cast<std::uint8_t>(value));
  }
  return out;
}

}  // namespace

std::string bech32m_encode(std::string_view hrp, ByteView data) {
  CHECK(!hrp.empty() && hrp.size() <= kMaxHrpChars, "a prefix of 1 to 83 characters");
  CHECK(std::ranges::all_of(hrp, [](char c) { return c >= kFirstPrintable && c <= kLastPrintable && !is_upper(c); }),
        "a prefix of printable characters without upper case");
  const Bytes values = to_values(data);
  std::string out = std::string(hrp) + "1";
  for (const std::uint8_t v : values) out.push_back(kAlphabet[v]);
  std::uint32_t state = polymod(hrp, values);
  for (std::size_t i = 0; i < kChecksumChars; ++i) state = polymod_step(state, 0);
  state ^= kBech32mConstant;
  for (std::size_t i = 0; i < kChecksumChars; ++i) {
    out.push_back(kAlphabet[state >> 5 * (kChecksumChars - 1 - i) & 31]);
  }
  CHECK(out.size() <= kMaxBech32mChars, "data that fits 90 characters");
  return out;
}

Result<Bech32mParts> bech32m_split(std::string_view text) {
  Bech32mParts parts = TRY(split_unchecked(text));
  TRY(check_checksum(parts));
  parts.values.resize(parts.values.size() - kChecksumChars);
  return parts;
}

Result<Bytes> bech32m_decode(std::string_view hrp_expected, std::string_view text) {
  Bech32mParts parts = TRY(split_unchecked(text));
  // Before the checksum: "wrong network" says more than "wrong checksum" about a text that is both.
  if (parts.hrp != hrp_expected) {
    return fail(Fault::kInvalid,
                "it begins with \"" + parts.hrp + "1\", here \"" + std::string(hrp_expected) + "1\" is needed",
                "it belongs to another network or is not an address");
  }
  TRY(check_checksum(parts));
  parts.values.resize(parts.values.size() - kChecksumChars);
  return from_values(parts.values);
}

}  // namespace micro
