// Byte strings of a fixed length whose meaning is part of the type: an address is never passed for a hash.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "chain/base/bytes.hpp"

namespace micro {

template <std::size_t N, class Tag>
struct FixedBytes {
  static constexpr std::size_t kSize = N;
  std::array<std::uint8_t, N> data{};

  constexpr auto operator<=>(const FixedBytes&) const = default;
  [[nodiscard]] ByteView view() const { return {data.data(), N}; }
  operator ByteView() const { return view(); }  // NOLINT: every reader of bytes may read it
  [[nodiscard]] bool is_zero() const {
    return std::ranges::all_of(data, [](std::uint8_t b) { return b == 0; });
  }
  [[nodiscard]] std::string hex() const { return to_hex(view()); }
  /// The first `digits` hex digits, for people.
  [[nodiscard]] std::string brief(std::size_t digits = 8) const { return hex().substr(0, digits); }

  static Result<FixedBytes> from(ByteView bytes) {
    if (bytes.size() != N) {
      return fail(Fault::kInvalid, "expected " + std::to_string(N) + " bytes, got " + std::to_string(bytes.size()));
    }
    FixedBytes out;
    std::memcpy(out.data.data(), bytes.data(), N);
    return out;
  }
  static Result<FixedBytes> parse(std::string_view hex_text) {
    const Bytes bytes = TRY(from_hex(hex_text));
    return from(bytes);
  }
  /// The same bytes under another meaning; the caller states why at the call.
  template <class Other>
  [[nodiscard]] Other as() const {
    static_assert(Other::kSize == N);
    Other out;
    out.data = data;
    return out;
  }
};

using Hash = FixedBytes<32, struct HashTag>;

}  // namespace micro

template <std::size_t N, class Tag>
struct std::hash<::micro::FixedBytes<N, Tag>> {
  std::size_t operator()(const ::micro::FixedBytes<N, Tag>& v) const noexcept {
    static_assert(N >= sizeof(std::size_t));
    std::size_t h = 0;
    std::memcpy(&h, v.data.data(), sizeof h);  // contents are hashes or keys: already uniform
    return h;
  }
};
