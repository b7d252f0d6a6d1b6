// Runs the ledger's policy: on compiled code and on an interpreter, and believes what both say.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "chain/crypto/hash.hpp"
#include "chain/execution/policy_port.hpp"
#include "chain/governance/policy_abi.hpp"
#include "services/wasm/engine.hpp"

namespace micro {

class WasmPolicy final : public PolicyPort {
 public:
  static Result<std::unique_ptr<WasmPolicy>> create();

  /// Thread-safe. kMismatch: the two engines disagree. Any other error: no memory, or an engine stopped by the clock.
  /// Both halt the node.
  Result<PolicyRunOutcome> run(ByteView wasm, ByteView input, std::uint64_t fuel) override;

  /// The outcome if the two are equal in every field, or kMismatch with what differs.
  static Result<PolicyRunOutcome> agree(const wasm::PureOutcome& compiled, const wasm::PureOutcome& interpreted);
  /// Engines and their settings, for the decision's record.
  static std::string configuration();

 private:
  /// A policy on both engines, or why there is none: the same text on every node.
  struct Loaded {
    std::string refusal;
    wasm::Module compiled;
    wasm::Module interpreted;
  };
  WasmPolicy(std::unique_ptr<wasm::Engine> compiler, std::unique_ptr<wasm::Engine> interpreter)
      : compiler_(std::move(compiler)), interpreter_(std::move(interpreter)) {}
  Loaded load(ByteView wasm);

  std::unique_ptr<wasm::Engine> compiler_;
  std::unique_ptr<wasm::Engine> interpreter_;
  std::mutex mutex_;
  std::map<Hash, Loaded> loaded_;
};

}  // namespace micro
