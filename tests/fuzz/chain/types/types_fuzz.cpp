// Every decoder of the ledger's types: the first byte picks one, the rest is its input.
#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/any_value.hpp"
#include "tests/gen/wire_types.hpp"

namespace micro::test {
namespace {

struct Target {
  bool (*run)(ByteView);
  Bytes (*seed)(Random&);
};

template <class T>
constexpr Target kTarget{.run = fuzz_decode<T>, .seed = [](Random& random) { return encode(any_value<T>(random)); }};

constexpr Target kTargets[] = {
#define X(type) kTarget<type>,
    MICRO_DECODED_TYPES(X)
#undef X
};

}  // namespace

bool fuzz(ByteView input) {
  if (input.empty() || input[0] >= std::size(kTargets)) return false;
  return kTargets[input[0]].run(input.subspan(1));
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  SeededRandom random(1);
  for (std::size_t at = 0; at < std::size(kTargets); ++at) {
    for (int n = 0; n < 24; ++n) {
      Bytes seed{static_cast<std::uint8_t>(at)};
      const Bytes value = kTargets[at].seed(random);
      seed.insert(seed.end(), value.begin(), value.end());
      seeds.push_back(std::move(seed));
    }
  }
  return seeds;
}

}  // namespace micro::test
