#include "chain/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace micro {

void check_failed(const char* expression, const char* file, int line, const char* message) {
  std::fprintf(stderr, "broken invariant: %s (%s) at %s:%d\n", message, expression, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace micro
