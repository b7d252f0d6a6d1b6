#pragma once

#include "chain/base/result.hpp"

namespace micro {

/// For every process that holds keys, before it reads the first one: no core dumps, and no other process of the same
/// user may read its memory or attach to it. A program that it executes starts without this.
Status protect_process_memory();

}  // namespace micro
