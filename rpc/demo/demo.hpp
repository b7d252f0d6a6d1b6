// `micro demo`: the whole tour on a fresh network of one, with real processes and through the public interfaces only.
#pragma once

#include "rpc/cli/commands.hpp"

namespace micro {

int run_demo(const DemoOptions& options);

}  // namespace micro
