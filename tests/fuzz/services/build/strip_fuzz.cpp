// A module as a compiler run over a stranger's source left it.
#include "services/build/strip/strip.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace micro::test {

bool fuzz(ByteView input) {
  const auto stripped = strip_custom_sections(input);
  if (!stripped) return false;
  CHECK(stripped->size() <= input.size(), "nothing is added");
  CHECK(strip_custom_sections(*stripped).value() == *stripped, "nothing is left to remove");
  return true;
}

std::vector<Bytes> fuzz_seeds() {
  return {Bytes{0, 'a', 's', 'm', 1, 0, 0, 0}, Bytes{0, 'a', 's', 'm', 1,   0,   0,   0,  1,    4,    1, 0x60, 0, 0,
                                                     0, 5,   4,   'n', 'a', 'm', 'e', 10, 0x82, 0x80, 0, 1,    2}};
}

}  // namespace micro::test
