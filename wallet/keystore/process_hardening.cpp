#include "wallet/keystore/process_hardening.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace micro {

Status protect_process_memory() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return fail(Fault::kIo, "cannot turn core dumps off");
  // A core pattern that pipes to a program ignores RLIMIT_CORE; this does not.
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return fail(Fault::kIo, "cannot protect the memory of this process");
  return {};
}

}  // namespace micro
