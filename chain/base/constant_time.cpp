#include <sodium.h>

#include "chain/base/bytes.hpp"

namespace micro {

bool equal_in_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace micro
