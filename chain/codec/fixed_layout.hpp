// Types whose every value is encoded in the same number of bytes. The codec writes and reads neighbouring ones in one
// step, which costs a fraction of a step for each: one growth of the buffer, one look at what is left of the input.
#pragma once

#include <array>
#include <concepts>
#include <cstring>
#include <tuple>
#include <type_traits>

#include "chain/base/fixed_bytes.hpp"
#include "chain/base/quantity.hpp"
#include "chain/codec/fields.hpp"

namespace micro::codec_detail {

template <class T>
concept HasFields = requires { T::kFields; };
template <class T>
struct is_fixed : std::false_type {};
template <std::size_t N, class Tag>
struct is_fixed<FixedBytes<N, Tag>> : std::true_type {};
template <class T>
struct is_quantity : std::false_type {};
template <class Tag, class Rep>
struct is_quantity<Quantity<Tag, Rep>> : std::true_type {};

template <class T>
inline constexpr std::size_t kFieldCount = decltype(T::kFields)::kCount;
template <class T>
inline constexpr auto kMembers = T::kFields.apply([](auto... member) { return std::tuple{member...}; });
template <class T, std::size_t I>
using Field = std::remove_cvref_t<decltype(std::declval<T&>().*std::get<I>(kMembers<T>))>;

/// Bytes that every value of T takes; 0 where values differ in size.
template <class T>
consteval std::size_t fixed_size() {
  if constexpr (std::integral<T> || std::is_enum_v<T>) {
    return sizeof(T);
  } else if constexpr (is_fixed<T>::value) {
    return T::kSize;
  } else if constexpr (is_quantity<T>::value) {
    return sizeof(typename T::rep);
  } else if constexpr (HasFields<T>) {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      const bool all = ((fixed_size<Field<T, I>>() != 0) && ...);
      return all ? (fixed_size<Field<T, I>>() + ... + std::size_t{0}) : 0;
    }(std::make_index_sequence<kFieldCount<T>>{});
  } else {
    return 0;
  }
}

/// How many neighbouring fields of T from the I-th on have a fixed size, and their bytes.
struct FixedRun {
  std::size_t fields = 0;
  std::size_t bytes = 0;
};
template <class T, std::size_t I>
consteval FixedRun fixed_run() {
  if constexpr (I < kFieldCount<T>) {
    constexpr std::size_t size = fixed_size<Field<T, I>>();
    if constexpr (size != 0) {
      constexpr FixedRun rest = fixed_run<T, I + 1>();
      return {1 + rest.fields, size + rest.bytes};
    }
  }
  return {};
}

/// Writes the encoding of `v` and gives where it ends.
template <class T>
std::uint8_t* write_fixed(std::uint8_t* to, const T& v) {
  if constexpr (std::same_as<T, bool>) {
    *to = v ? 1 : 0;
  } else if constexpr (std::integral<T>) {
    auto rest = static_cast<std::make_unsigned_t<T>>(v);
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      to[i] = static_cast<std::uint8_t>(rest & 0xff);
      if constexpr (sizeof(T) > 1) rest = static_cast<std::make_unsigned_t<T>>(rest >> 8);
    }
  } else if constexpr (std::is_enum_v<T>) {
    return write_fixed(to, static_cast<std::underlying_type_t<T>>(v));
  } else if constexpr (is_fixed<T>::value) {
    std::memcpy(to, v.data.data(), T::kSize);
  } else if constexpr (is_quantity<T>::value) {
    return write_fixed(to, v.value);
  } else {
    T::kFields.apply([&](auto... member) { ((to = write_fixed(to, v.*member)), ...); });
    return to;
  }
  return to + fixed_size<T>();
}

/// Reads fixed_size<T>() bytes; false when they are no encoding of a T.
template <class T>
bool read_fixed(const std::uint8_t* from, T& v) {
  if constexpr (std::same_as<T, bool>) {
    v = *from == 1;
    return *from <= 1;
  } else if constexpr (std::integral<T>) {
    std::make_unsigned_t<T> u = 0;
    for (std::size_t i = sizeof(T); i-- > 0;) {
      if constexpr (sizeof(T) > 1) u = static_cast<std::make_unsigned_t<T>>(u << 8);
      u = static_cast<std::make_unsigned_t<T>>(u | from[i]);
    }
    v = static_cast<T>(u);
    return true;
  } else if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> raw = 0;
    if (!read_fixed(from, raw)) return false;
    v = static_cast<T>(raw);
    return is_known(v);
  } else if constexpr (is_fixed<T>::value) {
    std::memcpy(v.data.data(), from, T::kSize);
    return true;
  } else if constexpr (is_quantity<T>::value) {
    return read_fixed(from, v.value);
  } else {
    const auto field = [&](auto& part) {
      const bool known = read_fixed(from, part);
      from += fixed_size<std::remove_cvref_t<decltype(part)>>();
      return known;
    };
    return T::kFields.apply([&](auto... member) { return (field(v.*member) && ...); });
  }
}

}  // namespace micro::codec_detail
