// This binary is also the worker that its tests start.
#include "services/host/worker/worker_main.hpp"
#include "tests/gen/run_tests.hpp"

int main(int argc, char** argv) {
  if (micro::is_worker(argc, argv)) return micro::worker_main(argc, argv);
  return micro::test::run_all_tests(argc, argv);
}
