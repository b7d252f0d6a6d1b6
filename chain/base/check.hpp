// CHECK aborts on a broken invariant of ours, in release too. Never on what a peer, a file or a user sent.
#pragma once

namespace micro {
[[noreturn]] void check_failed(const char* expression, const char* file, int line, const char* message);
}  // namespace micro

#define CHECK(condition, message)                                                      \
  do {                                                                                 \
    if (!(condition)) [[unlikely]]                                                     \
      ::micro::check_failed(#condition, __FILE__, __LINE__, message);                  \
  } while (false)
