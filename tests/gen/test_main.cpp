// Runs a test binary; a binary in which no test ran has failed.
#include <gtest/gtest.h>

#include <cstdio>

int main(int argc, char** argv) {
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
