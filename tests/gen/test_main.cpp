#include "tests/gen/run_tests.hpp"

int main(int argc, char** argv) { return micro::test::run_all_tests(argc, argv); }
