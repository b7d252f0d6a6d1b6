#pragma once

#include "chain/base/bytes.hpp"

namespace micro {

/// The policy of this build as wasm. Networks name theirs by hash in the genesis; this one is for making a new genesis.
ByteView embedded_policy();

}  // namespace micro
