#pragma once

#include "chain/base/fixed_bytes.hpp"

namespace micro {

/// The policy's output on an input, under the kernel's fuel. kMismatch when this program has another engine than
/// `engine` names, since another engine may count fuel differently; kRefused when the policy fails on the input.
Result<Bytes> replay_policy(ByteView wasm, ByteView input, const Hash& engine);

}  // namespace micro
