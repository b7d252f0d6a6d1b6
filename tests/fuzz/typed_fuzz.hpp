// A target over a list of types: the first byte of the input picks one, the rest is its input.
#pragma once

#include <span>

#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/any_value.hpp"

namespace micro::test {

struct TypedTarget {
  bool (*run)(ByteView);
  Bytes (*seed)(Random&);
};
template <class T>
inline constexpr TypedTarget kTypedTarget{.run = fuzz_decode<T>,
                                          .seed = [](Random& random) { return encode(any_value<T>(random)); }};

inline bool fuzz_one_of(std::span<const TypedTarget> targets, ByteView input) {
  return !input.empty() && input[0] < targets.size() && targets[input[0]].run(input.subspan(1));
}

inline std::vector<Bytes> seeds_of_each(std::span<const TypedTarget> targets) {
  std::vector<Bytes> seeds;
  SeededRandom random(1);
  for (std::size_t at = 0; at < targets.size(); ++at) {
    for (int n = 0; n < 24; ++n) {
      Bytes seed{static_cast<std::uint8_t>(at)};
      const Bytes value = targets[at].seed(random);
      seed.insert(seed.end(), value.begin(), value.end());
      seeds.push_back(std::move(seed));
    }
  }
  return seeds;
}

}  // namespace micro::test
