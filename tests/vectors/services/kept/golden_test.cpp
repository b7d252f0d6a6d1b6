// Frozen bytes of what services and the wallet keep: a newer program reads the files of an older one, or says that it
// does not.
#include "tests/gen/golden.hpp"
#include "tests/gen/kept_types.hpp"

namespace micro {
namespace {

TEST(KeptGolden, EveryTypeEncodesToItsFrozenBytes) {
  std::map<std::string, std::string> now;
#define X(type) now[#type] = test::golden<type>();
  MICRO_KEPT_TYPES(X)
#undef X
  test::expect_golden(now);
}

}  // namespace
}  // namespace micro
