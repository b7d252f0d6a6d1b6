// Integers with a meaning: explicit construction, comparison, and only the steps that make sense.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace micro {

template <class Tag, class Rep>
struct Quantity {
  using rep = Rep;
  Rep value{};

  constexpr Quantity() = default;
  constexpr explicit Quantity(Rep v) : value(v) {}
  constexpr auto operator<=>(const Quantity&) const = default;
  [[nodiscard]] constexpr Quantity next() const { return Quantity(static_cast<Rep>(value + 1)); }
  [[nodiscard]] std::string text() const { return std::to_string(value); }
};

using Height = Quantity<struct HeightTag, std::uint64_t>;
using Epoch = Quantity<struct EpochTag, std::uint32_t>;
using View = Quantity<struct ViewTag, std::uint64_t>;
using Nonce = Quantity<struct NonceTag, std::uint64_t>;
using Gas = Quantity<struct GasTag, std::uint64_t>;
/// Milliseconds since 1970-01-01T00:00:00Z as written in block headers.
using TimeMs = Quantity<struct TimeMsTag, std::uint64_t>;

}  // namespace micro

template <class Tag, class Rep>
struct std::hash<::micro::Quantity<Tag, Rep>> {
  std::size_t operator()(const ::micro::Quantity<Tag, Rep>& q) const noexcept { return std::hash<Rep>{}(q.value); }
};
