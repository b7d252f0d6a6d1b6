// A random value of any type that the codec knows: one generator for all of them, driven by a seed. Small numbers and
// the ends of a range are as likely as everything between; variants and enumerators are equally likely.
#pragma once

#include <limits>

#include "chain/base/random.hpp"
#include "chain/codec/codec.hpp"

namespace micro::test {

inline std::size_t draw_below(Random& random, std::size_t bound) {
  return bound == 0 ? 0 : static_cast<std::size_t>(random.draw_u64() % bound);
}

/// Items of a generated list, text or map at most; also the nesting's growth bound.
inline constexpr std::size_t kAnyItems = 3;

template <class T>
T any_value(Random& random);

namespace any_detail {

template <std::integral T>
T integer(Random& random) {
  switch (draw_below(random, 4)) {
    case 0:
      return static_cast<T>(draw_below(random, 10));
    case 1:
      return static_cast<T>(std::numeric_limits<T>::max() - static_cast<T>(draw_below(random, 2)));
    case 2:
      return static_cast<T>(random.draw_u64() >> draw_below(random, 64));
    default:
      return static_cast<T>(random.draw_u64());
  }
}

template <class T>
T enumerator(Random& random) {
  for (;;) {
    const auto raw = static_cast<std::underlying_type_t<T>>(draw_below(random, 1024));
    if (is_known(static_cast<T>(raw))) return static_cast<T>(raw);
  }
}

template <class V, std::size_t... I>
V alternative(Random& random, std::index_sequence<I...>) {
  const std::size_t index = draw_below(random, sizeof...(I));
  V out;
  ((index == I ? void(out = V(std::in_place_index<I>, any_value<std::variant_alternative_t<I, V>>(random))) : void()),
   ...);
  return out;
}

template <class T>
T text(Random& random) {
  static constexpr std::string_view kPieces[] = {"a", "Z", "0", "-", ".", "/", " ", "\n", "\"", "é", "日", "😀"};
  T out;
  for (std::size_t n = draw_below(random, 2 * kAnyItems + 1); n > 0; --n) {
    const auto piece = kPieces[draw_below(random, std::size(kPieces))];
    if (out.size() + piece.size() <= T::kMax) out += piece;
  }
  return out;
}

}  // namespace any_detail

template <class T>
T any_value(Random& random) {
  using namespace codec_detail;
  using namespace any_detail;
  if constexpr (std::same_as<T, bool>) {
    return draw_below(random, 2) == 1;
  } else if constexpr (std::integral<T>) {
    return integer<T>(random);
  } else if constexpr (std::is_enum_v<T>) {
    return enumerator<T>(random);
  } else if constexpr (is_fixed<T>::value) {
    return draw_below(random, 8) == 0 ? T{} : random.draw<T>();
  } else if constexpr (is_quantity<T>::value) {
    return T(integer<typename T::rep>(random));
  } else if constexpr (is_optional<T>::value) {
    return draw_below(random, 2) == 0 ? T{} : T(any_value<typename T::value_type>(random));
  } else if constexpr (is_variant<T>::value) {
    return alternative<T>(random, std::make_index_sequence<std::variant_size_v<T>>{});
  } else if constexpr (is_blob<T>::value) {
    T out;
    out.resize(draw_below(random, std::min<std::size_t>(T::kMax, 8 * kAnyItems) + 1));
    random.fill(out);
    return out;
  } else if constexpr (is_text<T>::value) {
    return text<T>(random);
  } else if constexpr (is_list<T>::value) {
    T out;
    for (std::size_t n = draw_below(random, std::min(T::kMax, kAnyItems) + 1); n > 0; --n) {
      out.push_back(any_value<typename T::value_type>(random));
    }
    return out;
  } else if constexpr (is_map<T>::value) {
    T out;
    for (std::size_t n = draw_below(random, std::min(T::kMax, kAnyItems) + 1); n > 0; --n) {
      auto key = any_value<typename T::key_type>(random);
      out.insert_or_assign(std::move(key), any_value<typename T::mapped_type>(random));
    }
    return out;
  } else {
    T out{};
    T::kFields.apply(
        [&](auto... member) { ((out.*member = any_value<std::remove_cvref_t<decltype(out.*member)>>(random)), ...); });
    return out;
  }
}

}  // namespace micro::test
