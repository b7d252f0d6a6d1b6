#include "tests/gen/run_tests.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace micro::test {

int run_all_tests(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const int rc = RUN_ALL_TESTS();
  const auto* unit = ::testing::UnitTest::GetInstance();
  const bool listing = ::testing::GTEST_FLAG(list_tests);
  if (rc == 0 && !listing && unit->test_to_run_count() - unit->skipped_test_count() <= 0) {
    std::fprintf(stderr, "no test ran\n");
    return 1;
  }
  return rc;
}

}  // namespace micro::test
