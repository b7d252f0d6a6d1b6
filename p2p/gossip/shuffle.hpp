// Chance from the random source that was handed in, so that a seed gives the same run again.
#pragma once

#include <utility>
#include <vector>

#include "chain/base/random.hpp"

namespace micro::p2p {

/// The first `most` of a shuffled list (Fisher and Yates); the rest is gone.
template <class T>
void draw_some(std::vector<T>& list, std::size_t most, Random& random) {
  const std::size_t count = most < list.size() ? most : list.size();
  for (std::size_t at = 0; at < count; ++at) {
    std::swap(list[at], list[at + static_cast<std::size_t>(random.draw_u64() % (list.size() - at))]);
  }
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(count), list.end());
}

template <class T>
void shuffle(std::vector<T>& list, Random& random) {
  draw_some(list, list.size(), random);
}

}  // namespace micro::p2p
