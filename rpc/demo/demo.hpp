// `micro demo`: the whole tour on a fresh network of one, with real processes and through the public interfaces only.
#pragma once

#include "rpc/cli/commands.hpp"

namespace micro {

/// Narrates on standard error and ends with what to try next; with `json` one document on standard output instead. An
/// error names the step that failed; its hint says where the folder is kept.
Status run_demo(const DemoOptions& options);

}  // namespace micro
