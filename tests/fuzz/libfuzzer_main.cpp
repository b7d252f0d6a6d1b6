#include "tests/fuzz/fuzz.hpp"

// The name and signature are libFuzzer's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  // NOLINT
  micro::test::fuzz({data, size});
  return 0;
}
