// How a struct names its members to the codec.
#pragma once

#include <cstddef>

namespace micro {

/// The members of a struct in the order of their encoding: a type that costs the compiler next to nothing until
/// somebody encodes the struct, which a tuple of pointers does not.
template <auto... Members>
struct FieldList {
  static constexpr std::size_t kCount = sizeof...(Members);
  /// f(&T::a, &T::b, …).
  template <class F>
  static constexpr decltype(auto) apply(F&& f) {
    return f(Members...);
  }
};
template <auto... Members>
inline constexpr FieldList<Members...> fields{};

}  // namespace micro
