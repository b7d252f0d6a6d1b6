#pragma once

#include "chain/base/result.hpp"

namespace micro {

/// A sealed-off file (memfd) with the sandbox's system call filter as BPF, positioned at its start; the caller closes
/// it. Listed calls work, every other fails with ENOSYS; another architecture's calls kill.
Result<int> make_seccomp_filter();

}  // namespace micro
