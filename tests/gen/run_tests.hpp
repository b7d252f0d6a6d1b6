// For test binaries with a main of their own, such as those that are started again as a child of the code they test.
#pragma once

namespace micro::test {
/// Runs what gtest was asked for; a binary in which no test ran has failed.
int run_all_tests(int argc, char** argv);
}  // namespace micro::test
