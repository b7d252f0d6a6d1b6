// Calls of programs (resumable, on a stack of their own) and of pure modules.
#include <algorithm>
#include <array>
#include <optional>

#include "services/wasm/module_info.hpp"
#include "services/wasm/wasi.hpp"
#include "services/wasm/wasmtime_impl.hpp"

namespace micro::wasm {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kMemoryExport = "memory";
constexpr std::string_view kStartExport = "_start";
constexpr const char* kDeadlineText = "the deadline passed";
constexpr std::size_t kMaxStoreTables = 4;

}  // namespace

/// One call. It owns its store, so nothing of one tenant is in reach of another.
struct RunningProgram::Impl {
  enum class Stage : std::uint8_t { kInstantiate, kCall, kEnded };

  explicit Impl(ProgramCall program_call) : call(std::move(program_call)), wasi(call) {}

  bool resume();
  void begin(const Engine::Impl& with, std::shared_ptr<const Module::Impl> of);
  void begin_call();
  /// The current future is done: goes on or ends.
  void settle();
  void end(CallEnd kind, Gas gas, std::string detail);
  void end_by_trap();
  std::uint64_t fuel_left() const;

  ProgramCall call;
  Wasi wasi;
  const Engine::Impl* engine = nullptr;
  std::shared_ptr<const Module::Impl> module;
  SteadyClock::time_point deadline;
  bool deadline_passed = false;
  bool memory_known = false;
  wasmtime_memory_t memory{};
  Stage stage = Stage::kInstantiate;
  wasmtime_context_t* context = nullptr;
  wasmtime_instance_t instance{};
  wasmtime_func_t start{};
  wasm_trap_t* trap = nullptr;
  wasmtime_error_t* error = nullptr;
  ProgramOutcome outcome;
  StoreHandle store;
  FutureHandle future;  // after the store: it goes first
};

namespace {

/// Runs on every tick while the guest runs: the guest gives way to others, or has run out of time.
wasmtime_error_t* on_tick(wasmtime_context_t*, void* data, std::uint64_t* delta,
                          wasmtime_update_deadline_kind_t* kind) {
  auto& run = *static_cast<RunningProgram::Impl*>(data);
  if (SteadyClock::now() >= run.deadline) {
    run.deadline_passed = true;
    return wasmtime_error_new(kDeadlineText);
  }
  *delta = 1;
  *kind = WASMTIME_UPDATE_DEADLINE_YIELD;
  return nullptr;
}

wasm_trap_t* host_call(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* raw, std::size_t) {
  const auto& function = *static_cast<const WasiFunction*>(env);
  wasmtime_context_t* context = wasmtime_caller_context(caller);
  auto& run = *static_cast<RunningProgram::Impl*>(wasmtime_context_get_data(context));
  if (!run.memory_known) {
    wasmtime_extern_t item;
    if (!wasmtime_caller_export_get(caller, kMemoryExport.data(), kMemoryExport.size(), &item) ||
        item.kind != WASMTIME_EXTERN_MEMORY) {
      return wasmtime_trap_new("no memory", 9);
    }
    run.memory = item.of.memory;
    run.memory_known = true;
  }
  std::array<std::uint64_t, kMaxWasiParams> args{};
  for (std::size_t i = 0; i < function.params.size(); ++i) {
    args[i] =
        function.params[i] == 'I' ? static_cast<std::uint64_t>(raw[i].i64) : static_cast<std::uint32_t>(raw[i].i32);
  }
  std::uint64_t fuel = 0;
  if (auto* error = wasmtime_context_get_fuel(context, &fuel)) wasmtime_error_delete(error);
  const std::span memory(wasmtime_memory_data(context, &run.memory), wasmtime_memory_data_size(context, &run.memory));
  const WasiErrno result = run.wasi.call(function.handler, {args.data(), function.params.size()}, memory, fuel);
  if (auto* error = wasmtime_context_set_fuel(context, fuel)) wasmtime_error_delete(error);
  if (run.wasi.stop() != Wasi::Stop::kNone) return wasmtime_trap_new("stop", 4);
  if (function.returns) raw[0].i32 = result;
  return nullptr;
}

}  // namespace

Status define_wasi(wasmtime_linker_t* linker) {
  for (const WasiFunction& function : wasi_functions()) {
    std::vector<wasm_valtype_t*> params;
    for (const char kind : function.params) params.push_back(wasm_valtype_new(kind == 'I' ? WASM_I64 : WASM_I32));
    wasm_valtype_vec_t params_vec;
    wasm_valtype_vec_new(&params_vec, params.size(), params.data());
    wasm_valtype_vec_t results_vec;
    wasm_valtype_t* result = wasm_valtype_new(WASM_I32);
    wasm_valtype_vec_new(&results_vec, function.returns ? 1 : 0, &result);
    if (!function.returns) wasm_valtype_delete(result);
    wasm_functype_t* type = wasm_functype_new(&params_vec, &results_vec);
    auto* env = const_cast<WasiFunction*>(&function);  // NOLINT: the C API takes void*, host_call only reads
    auto* error =
        wasmtime_linker_define_func_unchecked(linker, kWasiModule.data(), kWasiModule.size(), function.name.data(),
                                              function.name.size(), type, host_call, env, nullptr);
    wasm_functype_delete(type);
    TRY(check(error, "WASI"));
  }
  return {};
}

void RunningProgram::Impl::begin(const Engine::Impl& with, std::shared_ptr<const Module::Impl> of) {
  engine = &with;
  module = std::move(of);
  deadline = SteadyClock::now() + std::chrono::milliseconds(call.deadline_ms);
  engine->ticker->keep_awake();
  store.reset(wasmtime_store_new(engine->engine.get(), this, nullptr));
  context = wasmtime_store_context(store.get());
  wasmtime_store_limiter(store.get(), static_cast<std::int64_t>(std::min(call.memory_bytes, kMaxMemoryBytes)),
                         ModuleCaps{}.table_elements, 1, kMaxStoreTables, 1);
  if (auto* failure = wasmtime_context_set_fuel(context, call.gas_limit.value)) wasmtime_error_delete(failure);
  wasmtime_store_epoch_deadline_callback(store.get(), on_tick, this, nullptr);
  wasmtime_context_set_epoch_deadline(context, 1);
  future.reset(wasmtime_instance_pre_instantiate_async(module->pre.get(), context, &instance, &trap, &error));
}

bool RunningProgram::Impl::resume() {
  if (stage == Stage::kEnded) return true;
  engine->ticker->keep_awake();
  deadline_passed = SteadyClock::now() >= deadline;
  while (stage != Stage::kEnded) {
    if (!deadline_passed && !wasmtime_call_future_poll(future.get())) return false;
    settle();
  }
  return true;
}

void RunningProgram::Impl::settle() {
  future.reset();
  const bool failed = trap != nullptr || error != nullptr || deadline_passed || wasi.stop() != Wasi::Stop::kNone;
  if (failed) return end_by_trap();
  if (stage == Stage::kInstantiate) return begin_call();
  end(CallEnd::kExited, Gas(call.gas_limit.value - fuel_left()), "");
}

void RunningProgram::Impl::begin_call() {
  wasmtime_extern_t item;
  if (!wasmtime_instance_export_get(context, &instance, kStartExport.data(), kStartExport.size(), &item) ||
      item.kind != WASMTIME_EXTERN_FUNC) {
    return end(CallEnd::kHostFailure, Gas(0), "the module exports no function _start");
  }
  start = item.of.func;
  stage = Stage::kCall;
  future.reset(wasmtime_func_call_async(context, &start, nullptr, 0, nullptr, 0, &trap, &error));
}

std::uint64_t RunningProgram::Impl::fuel_left() const {
  std::uint64_t fuel = 0;
  if (auto* failure = wasmtime_context_get_fuel(context, &fuel)) wasmtime_error_delete(failure);
  return std::min(fuel, call.gas_limit.value);
}

void RunningProgram::Impl::end_by_trap() {
  const TrapHandle owned_trap(std::exchange(trap, nullptr));
  const ErrorHandle owned_error(std::exchange(error, nullptr));
  switch (wasi.stop()) {
    case Wasi::Stop::kExit:
      outcome.exit_code = wasi.exit_code();
      return end(CallEnd::kExited, Gas(call.gas_limit.value - fuel_left()), "");
    case Wasi::Stop::kTrap:
      return end(CallEnd::kTrapped, call.gas_limit, wasi.trap_text());
    case Wasi::Stop::kOutOfGas:
      return end(CallEnd::kOutOfGas, call.gas_limit, "out of gas");
    case Wasi::Stop::kDeadline:
      return end(CallEnd::kDeadline, call.gas_limit, "it slept past its deadline");
    case Wasi::Stop::kNone:
      break;
  }
  if (deadline_passed) return end(CallEnd::kDeadline, call.gas_limit, kDeadlineText);
  if (owned_trap) {
    wasmtime_trap_code_t code = 0;
    if (wasmtime_trap_code(owned_trap.get(), &code) && code == WASMTIME_TRAP_CODE_OUT_OF_FUEL) {
      return end(CallEnd::kOutOfGas, call.gas_limit, "out of gas");
    }
    return end(CallEnd::kTrapped, call.gas_limit, trap_text(owned_trap.get()));
  }
  end(CallEnd::kHostFailure, Gas(0), error_text(owned_error.get()));
}

void RunningProgram::Impl::end(CallEnd kind, Gas gas, std::string detail) {
  stage = Stage::kEnded;
  outcome.kind = kind;
  outcome.gas = gas;
  outcome.detail = std::move(detail);
  outcome.out = wasi.take_out();
  outcome.log = wasi.take_log();
  future.reset();
  store.reset();  // the slot is free for the next call now, not when somebody reads the outcome
}

RunningProgram::RunningProgram(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RunningProgram::RunningProgram(RunningProgram&&) noexcept = default;
RunningProgram::~RunningProgram() = default;

bool RunningProgram::resume() {
  return impl_->resume();
}

bool RunningProgram::expired() const {
  return impl_->stage != Impl::Stage::kEnded && SteadyClock::now() >= impl_->deadline;
}

ProgramOutcome RunningProgram::take() {
  return std::move(impl_->outcome);
}

RunningProgram Engine::start(const Module& module, ProgramCall call) const {
  auto run = std::make_unique<RunningProgram::Impl>(std::move(call));
  run->begin(*impl_, module.impl_);
  return RunningProgram(std::move(run));
}

ProgramOutcome Engine::run(const Module& module, ProgramCall call) const {
  RunningProgram running = start(module, std::move(call));
  while (!running.resume()) {
  }
  return running.take();
}

namespace {

struct PureClock {
  SteadyClock::time_point deadline;
  Ticker* ticker;
};

wasmtime_error_t* on_pure_tick(wasmtime_context_t*, void* data, std::uint64_t* delta,
                               wasmtime_update_deadline_kind_t* kind) {
  const auto& clock = *static_cast<const PureClock*>(data);
  if (SteadyClock::now() >= clock.deadline) return wasmtime_error_new(kDeadlineText);
  clock.ticker->keep_awake();
  *delta = 1;
  *kind = WASMTIME_UPDATE_DEADLINE_CONTINUE;
  return nullptr;
}

/// One instance of a pure module.
class PureRun {
 public:
  PureRun(const Engine::Impl& engine, const PureCall& call)
      : call_(call),
        clock_{SteadyClock::now() + std::chrono::milliseconds(call.deadline_ms), engine.ticker.get()},
        store_(wasmtime_store_new(engine.engine.get(), nullptr, nullptr)),
        context_(wasmtime_store_context(store_.get())) {
    engine.ticker->keep_awake();
    wasmtime_store_limiter(store_.get(), kMaxMemoryBytes, ModuleCaps{}.table_elements, 1, 1, 1);
    wasmtime_store_epoch_deadline_callback(store_.get(), on_pure_tick, &clock_, nullptr);
    wasmtime_context_set_epoch_deadline(context_, 1);
  }

  Result<PureOutcome> run(const Module::Impl& module) {
    TRY(host(wasmtime_context_set_fuel(context_, call_.fuel)));
    wasm_trap_t* trap = nullptr;
    auto* error = wasmtime_instance_pre_instantiate(module.pre.get(), context_, &instance_, &trap);
    if (auto ended = TRY(failure(error, trap))) return *ended;
    wasmtime_val_t result{};
    if (auto ended = TRY(invoke("input_buffer", {call_.input.size()}, result))) return *ended;
    const std::span<std::uint8_t> memory = TRY(memory_now());
    const std::uint64_t at = static_cast<std::uint32_t>(result.of.i32);
    if (at == 0 || at > memory.size() || call_.input.size() > memory.size() - at)
      return trapped("the input does not fit");
    std::ranges::copy(call_.input, memory.begin() + static_cast<std::ptrdiff_t>(at));
    if (auto ended = TRY(invoke("decide", {at, call_.input.size()}, result))) return *ended;
    if (result.kind != WASMTIME_I64) return trapped("decide returns no 64-bit integer");
    return output(static_cast<std::uint64_t>(result.of.i64));
  }

 private:
  Result<PureOutcome> output(std::uint64_t packed) {
    const std::uint64_t at = packed >> 32;
    const std::uint64_t size = packed & 0xffff'ffff;
    const std::span<std::uint8_t> memory = TRY(memory_now());
    if (size > call_.max_output_bytes) return trapped("the output is too long");
    if (at > memory.size() || size > memory.size() - at) return trapped("the output lies outside the memory");
    std::uint64_t left = 0;
    TRY(host(wasmtime_context_get_fuel(context_, &left)));
    return PureOutcome{
        .ok = true, .output = to_bytes(ByteView(memory).subspan(at, size)), .fuel = call_.fuel - left, .trap = {}};
  }

  PureOutcome trapped(std::string_view why) const {
    return {.ok = false, .output = {}, .fuel = call_.fuel, .trap = std::string(why)};
  }

  static Status host(wasmtime_error_t* error) {
    if (error == nullptr) return {};
    const ErrorHandle owned(error);
    return fail(Fault::kIo, "the engine could not run the module: " + error_text(owned.get()));
  }

  /// Nothing: go on. An outcome: the module failed by itself. An error: the host failed.
  Result<std::optional<PureOutcome>> failure(wasmtime_error_t* error, wasm_trap_t* trap) const {
    const TrapHandle owned(trap);
    TRY(host(error));
    if (!owned) return std::nullopt;
    wasmtime_trap_code_t code = 0;
    if (!wasmtime_trap_code(owned.get(), &code) || code == WASMTIME_TRAP_CODE_INTERRUPT) {
      return fail(Fault::kIo, "the engine stopped the module: " + trap_text(owned.get()));
    }
    return trapped(trap_code_text(code));
  }

  /// Calls an export with 32-bit integers and gives back its single result.
  Result<std::optional<PureOutcome>> invoke(std::string_view name, std::initializer_list<std::size_t> values,
                                            wasmtime_val_t& result) {
    wasmtime_extern_t item;
    if (!wasmtime_instance_export_get(context_, &instance_, name.data(), name.size(), &item) ||
        item.kind != WASMTIME_EXTERN_FUNC) {
      return trapped("the module lacks an export that it needs");
    }
    std::vector<wasmtime_val_t> args;
    for (const std::size_t value : values) {
      args.push_back({.kind = WASMTIME_I32, .of = {.i32 = static_cast<std::int32_t>(value)}});
    }
    wasm_trap_t* trap = nullptr;
    auto* error = wasmtime_func_call(context_, &item.of.func, args.data(), args.size(), &result, 1, &trap);
    return failure(error, trap);
  }

  Result<std::span<std::uint8_t>> memory_now() {
    wasmtime_extern_t item;
    if (!wasmtime_instance_export_get(context_, &instance_, kMemoryExport.data(), kMemoryExport.size(), &item) ||
        item.kind != WASMTIME_EXTERN_MEMORY) {
      return fail(Fault::kInvalid, "the module exports no memory");
    }
    return std::span(wasmtime_memory_data(context_, &item.of.memory),
                     wasmtime_memory_data_size(context_, &item.of.memory));
  }

  const PureCall& call_;
  PureClock clock_;
  StoreHandle store_;
  wasmtime_context_t* context_;
  wasmtime_instance_t instance_{};
};

}  // namespace

Result<PureOutcome> Engine::run_pure(const Module& module, const PureCall& call) const {
  return PureRun(*impl_, call).run(*module.impl_);
}

}  // namespace micro::wasm
