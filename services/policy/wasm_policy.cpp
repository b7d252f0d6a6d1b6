#include "services/policy/wasm_policy.hpp"

#include "services/policy/validate.hpp"

namespace micro {
namespace {

constexpr std::size_t kMaxLoaded = 4;  // the policy in force, its parent, and a proposal or two that are tried out
constexpr wasm::EngineOptions kCompiler{
    .backend = wasm::Backend::kCranelift, .profile = wasm::Profile::kPolicy, .slots = 0};
constexpr wasm::EngineOptions kInterpreter{
    .backend = wasm::Backend::kPulley, .profile = wasm::Profile::kPolicy, .slots = 0};

}  // namespace

Result<std::unique_ptr<WasmPolicy>> WasmPolicy::create() {
  auto compiler = TRY(wasm::Engine::create(kCompiler));  // a return from within `new` would leak
  auto interpreter = TRY(wasm::Engine::create(kInterpreter));
  return std::unique_ptr<WasmPolicy>(new WasmPolicy(std::move(compiler), std::move(interpreter)));
}

std::string WasmPolicy::configuration() {
  return wasm::Engine::configuration(kCompiler) + " = " + wasm::Engine::configuration(kInterpreter);
}

WasmPolicy::Loaded WasmPolicy::load(ByteView wasm) {
  const Hash name = tagged_hash(domain::kPolicyCode, wasm);
  const std::lock_guard lock(mutex_);
  if (const auto found = loaded_.find(name); found != loaded_.end()) return found->second;
  Loaded loaded;
  const auto try_load = [&]() -> Status {
    TRY(validate_policy(wasm));
    loaded.compiled = TRY(compiler_->load(TRY(compiler_->compile(wasm))));
    loaded.interpreted = TRY(interpreter_->load(TRY(interpreter_->compile(wasm))));
    return {};
  };
  if (const Status status = try_load(); !status) loaded.refusal = "refused: " + status.error().message;
  if (loaded_.size() >= kMaxLoaded) loaded_.clear();
  loaded_.emplace(name, loaded);
  return loaded;
}

Result<PolicyRunOutcome> WasmPolicy::agree(const wasm::PureOutcome& compiled, const wasm::PureOutcome& interpreted) {
  if (compiled == interpreted) {
    return PolicyRunOutcome{compiled.ok, compiled.output, compiled.fuel, compiled.trap};
  }
  const auto shown = [](const wasm::PureOutcome& o) {
    return (o.ok ? std::to_string(o.output.size()) + " bytes" : "\"" + o.trap + "\"") + " with " +
           std::to_string(o.fuel) + " fuel";
  };
  return fail(
      Fault::kMismatch,
      "compiled code and interpreter disagree about the policy: " + shown(compiled) + " against " + shown(interpreted),
      "Do not restart blindly: a processor or engine fault is at work. Compare with other validators.");
}

Result<PolicyRunOutcome> WasmPolicy::run(ByteView wasm, ByteView input, std::uint64_t fuel) {
  const Loaded policy = load(wasm);
  if (!policy.refusal.empty()) return PolicyRunOutcome{.ok = false, .output = {}, .fuel = 0, .trap = policy.refusal};
  wasm::PureCall call;
  call.input = input;
  call.fuel = fuel;
  call.max_output_bytes = kMaxPolicyOutputBytes;
  const wasm::PureOutcome compiled = TRY(compiler_->run_pure(policy.compiled, call));
  const wasm::PureOutcome interpreted = TRY(interpreter_->run_pure(policy.interpreted, call));
  return agree(compiled, interpreted);
}

}  // namespace micro
