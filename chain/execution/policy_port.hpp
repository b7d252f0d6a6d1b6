// How the epoch transition runs the policy without knowing what runs it.
#pragma once

#include "chain/base/bytes.hpp"

namespace micro {

struct PolicyRunOutcome {
  bool ok = false;
  Bytes output;  ///< when ok: what the policy returned, not yet checked
  std::uint64_t fuel = 0;
  std::string trap;  ///< otherwise: why it failed, the same on every node
};

class PolicyPort {
 public:
  virtual ~PolicyPort() = default;
  /// Runs `wasm` on `input`. A trap, an exhausted fuel budget or a refused module is an outcome, equal on every node.
  /// An error is this node's own trouble (no memory, two engines disagree): the node halts and never votes on it.
  virtual Result<PolicyRunOutcome> run(ByteView wasm, ByteView input, std::uint64_t fuel) = 0;
};

}  // namespace micro
