// A module without a console traps and says nothing. What the libraries would say brings their formatted output with
// it, and that imports.
#include <version>

#include "chain/base/check.hpp"

namespace micro {
void check_failed(const char*, const char*, int, const char*) {
  __builtin_trap();
}
}  // namespace micro

_LIBCPP_BEGIN_NAMESPACE_STD
[[noreturn]] void __libcpp_verbose_abort(const char*, ...) {  // NOLINT: a name of the library
  __builtin_trap();
}
_LIBCPP_END_NAMESPACE_STD

extern "C" [[noreturn]] void abort_message(const char*, ...) {  // NOLINT: a name of the library
  __builtin_trap();
}
