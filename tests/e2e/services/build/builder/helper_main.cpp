#include <string_view>

#include "services/host/git_fetch/git_fetch.hpp"
#include "tests/gen/run_tests.hpp"

int main(int argc, char** argv) {
  if (argc > 1 && argv[1] == micro::kGitFetchCommand) return micro::git_fetch_child_main(argc, argv);
  return micro::test::run_all_tests(argc, argv);
}
