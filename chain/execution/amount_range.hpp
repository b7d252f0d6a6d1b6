// No amount above the largest possible supply enters the rules: sums of a few amounts then stay far from 2⁶⁴.
#pragma once

#include "chain/types/transaction.hpp"

namespace micro {

template <class T>
bool amounts_in_range(const T& v) {
  using namespace codec_detail;
  if constexpr (std::same_as<T, Amount>) {
    return v.micro <= kMaxSupplyMicro;
  } else if constexpr (is_list<T>::value) {
    for (const auto& item : v) {
      if (!amounts_in_range(item)) return false;
    }
    return true;
  } else if constexpr (is_optional<T>::value) {
    return !v || amounts_in_range(*v);
  } else if constexpr (is_variant<T>::value) {
    return std::visit([](const auto& alternative) { return amounts_in_range(alternative); }, v);
  } else if constexpr (HasFields<T>) {
    return T::kFields.apply([&](auto... member) { return (amounts_in_range(v.*member) && ...); });
  } else {
    return true;
  }
}

}  // namespace micro
