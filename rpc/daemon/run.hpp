// `micro server` and `micro dev`: a node in the foreground, until a signal or `micro node stop`. What they print is
// data: where the node listens; their errors are the caller's to print.
#pragma once

#include "rpc/cli/commands.hpp"

namespace micro {

Status run_server(const ServerOptions& options);
Status run_dev(const DevOptions& options);

}  // namespace micro
