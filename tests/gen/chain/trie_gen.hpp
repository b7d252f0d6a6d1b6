// Paths that meet: uniform ones, neighbours in their last bits, and many below one long prefix.
#pragma once

#include <rapidcheck.h>

#include "chain/state/state_view.hpp"

namespace micro::test {

/// [0, end), uniform from the first case on: RapidCheck starts with small numbers.
template <class T>
T below(T end) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(0, end));
}

inline StatePath some_path() {
  const auto n = below<std::uint32_t>(600);
  const auto shape = below(4);
  Encoder e;
  e.put(n);
  StatePath path = state_path(shape == 3 ? Module::kServices : Module::kAccounts, e.bytes());
  if (shape == 1) {  // neighbours: only the last two bytes differ
    std::fill(path.data.begin() + 1, path.data.end() - 2, std::uint8_t{0x5a});
  } else if (shape == 2) {  // somebody searched for keys that share eight bytes
    std::fill(path.data.begin() + 1, path.data.begin() + 9, std::uint8_t{0xc3});
  }
  return path;
}

/// Up to `max` writes, a quarter of them removals.
inline StateDiff some_changes(std::size_t max) {
  StateDiff diff;
  const auto n = below(max + 1);
  for (std::size_t i = 0; i < n; ++i) {
    const StatePath path = some_path();
    if (below(4) == 0) {
      diff.insert_or_assign(path, std::nullopt);
    } else {
      diff.insert_or_assign(
          path, Bytes(*rc::gen::element<std::size_t>(0, 1, 3, 60, 61), *rc::gen::arbitrary<std::uint8_t>()));
    }
  }
  return diff;
}

}  // namespace micro::test
