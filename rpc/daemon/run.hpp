// `micro server` and `micro dev`: a node in the foreground, until a signal or `micro node stop`.
#pragma once

#include "rpc/cli/commands.hpp"

namespace micro {

int run_server(const ServerOptions& options);
int run_dev(const DevOptions& options);

}  // namespace micro
