// The codec itself, on a type with every shape it knows.
#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/any_value.hpp"
#include "tests/gen/codec_sample.hpp"

namespace micro::test {

bool fuzz(ByteView input) {
  return fuzz_decode<Sample>(input);
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds{encode(Sample{}), encode(full_sample())};
  SeededRandom random(1);
  for (int n = 0; n < 30; ++n) seeds.push_back(encode(any_value<Sample>(random)));
  return seeds;
}

}  // namespace micro::test
