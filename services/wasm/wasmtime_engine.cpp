#include <algorithm>

#include "services/wasm/module_info.hpp"
#include "services/wasm/wasmtime_impl.hpp"

namespace micro::wasm {
namespace {

constexpr std::size_t kWasmStackBytes = 1024 * 1024;
constexpr std::size_t kFibreStackBytes = 2 * 1024 * 1024;  // the rest is for our host functions
// A 4 GiB reservation lets the machine's own page protection check bounds, without an instruction in the guest's code.
constexpr std::uint64_t kReservationBytes = 4ULL << 30;
constexpr std::uint64_t kGuardBytes = 32ULL << 20;
// The first part of a memory is reset by copying, the rest by giving its pages back: a system call and a fault for each
// page that was touched. Measured: a small C program takes 6.4 µs with 128 KiB or more, 12 with half of it, 19 with
// none; one with a memory of 1 MiB takes 23, and more with more, because the whole part is copied whatever was touched.
constexpr std::size_t kKeepResidentBytes = 128 * 1024;
constexpr std::size_t kMaxTrapTextBytes = 1'024;

void set_features(wasm_config_t* c, Profile profile) {
  const bool program = profile == Profile::kProgram;
  wasmtime_config_wasm_reference_types_set(c, program);
  wasmtime_config_wasm_multi_value_set(c, program);
  wasmtime_config_wasm_bulk_memory_set(c, true);
  wasmtime_config_gc_support_set(c, false);
  wasmtime_config_wasm_gc_set(c, false);
  wasmtime_config_wasm_function_references_set(c, false);
  wasmtime_config_wasm_exceptions_set(c, false);
  wasmtime_config_wasm_tail_call_set(c, false);
  wasmtime_config_wasm_relaxed_simd_set(c, false);
  wasmtime_config_wasm_simd_set(c, false);
  wasmtime_config_wasm_multi_memory_set(c, false);
  wasmtime_config_wasm_memory64_set(c, false);
  wasmtime_config_wasm_wide_arithmetic_set(c, false);
  wasmtime_config_wasm_custom_page_sizes_set(c, false);
  wasmtime_config_wasm_stack_switching_set(c, false);
  wasmtime_config_wasm_component_model_set(c, false);
  wasmtime_config_concurrency_support_set(c, false);
}

void set_pool(wasm_config_t* c, std::uint32_t slots) {
  auto* pool = wasmtime_pooling_allocation_config_new();
  wasmtime_pooling_allocation_config_total_core_instances_set(pool, slots);
  wasmtime_pooling_allocation_config_total_memories_set(pool, slots);
  wasmtime_pooling_allocation_config_total_tables_set(pool, slots * ModuleCaps{}.tables);
  wasmtime_pooling_allocation_config_total_stacks_set(pool, slots);
  wasmtime_pooling_allocation_config_total_component_instances_set(pool, 0);
  wasmtime_pooling_allocation_config_total_gc_heaps_set(pool, 0);
  wasmtime_pooling_allocation_config_max_memories_per_module_set(pool, 1);
  wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, ModuleCaps{}.tables);
  wasmtime_pooling_allocation_config_max_memory_size_set(pool, kMaxMemoryBytes);
  wasmtime_pooling_allocation_config_table_elements_set(pool, ModuleCaps{}.table_elements);
  wasmtime_pooling_allocation_config_max_core_instance_size_set(pool, 4 * 1024 * 1024);
  wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, kKeepResidentBytes);
  wasmtime_pooling_allocation_config_table_keep_resident_set(pool, 64 * 1024);
  wasmtime_pooling_allocation_config_async_stack_keep_resident_set(pool, 64 * 1024);
  wasmtime_pooling_allocation_config_max_unused_warm_slots_set(pool, slots);
  wasmtime_pooling_allocation_strategy_set(c, pool);
  wasmtime_pooling_allocation_config_delete(pool);
}

Result<EngineHandle> make_engine(const EngineOptions& options) {
  wasm_config_t* c = wasm_config_new();
  wasmtime_config_consume_fuel_set(c, true);
  wasmtime_config_epoch_interruption_set(c, true);
  wasmtime_config_strategy_set(c, WASMTIME_STRATEGY_CRANELIFT);
  wasmtime_config_cranelift_opt_level_set(c, WASMTIME_OPT_LEVEL_SPEED);
  wasmtime_config_cranelift_nan_canonicalization_set(c, true);
  wasmtime_config_parallel_compilation_set(c, true);
  wasmtime_config_max_wasm_stack_set(c, kWasmStackBytes);
  wasmtime_config_async_stack_size_set(c, kFibreStackBytes);
  wasmtime_config_memory_reservation_set(c, kReservationBytes);
  wasmtime_config_memory_guard_size_set(c, kGuardBytes);
  wasmtime_config_memory_init_cow_set(c, true);
  set_features(c, options.profile);
  if (options.slots > 0) set_pool(c, options.slots);
  if (options.backend == Backend::kPulley) {
    if (auto* error = wasmtime_config_target_set(c, "pulley64")) {
      wasm_config_delete(c);
      return std::unexpected(check(error, "Pulley").error());
    }
  }
  EngineHandle engine(wasm_engine_new_with_config(c));
  if (!engine) {
    return fail(Fault::kIo,
                "the wasm engine could not reserve address space for " + std::to_string(options.slots) + " instances",
                "Raise the limit of virtual memory (ulimit -v unlimited).");
  }
  return engine;
}

constexpr const char* kNoLoad = "the artefact does not load";

Result<std::shared_ptr<const Module::Impl>> link(const Engine::Impl& engine, ModuleHandle module) {
  wasmtime_instance_pre_t* pre = nullptr;
  TRY(check(wasmtime_linker_instantiate_pre(engine.linker.get(), module.get(), &pre), "the module does not link"));
  auto impl = std::make_shared<Module::Impl>();
  impl->module = std::move(module);
  impl->pre.reset(pre);
  return impl;
}

}  // namespace

std::string error_text(const wasmtime_error_t* error) {
  wasm_name_t message;
  wasmtime_error_message(error, &message);
  std::string text(message.data, std::min<std::size_t>(message.size, kMaxTrapTextBytes));
  wasm_name_delete(&message);
  return text;
}

std::string trap_text(const wasm_trap_t* trap) {
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  std::string text(message.data, std::min<std::size_t>(message.size == 0 ? 0 : message.size - 1, kMaxTrapTextBytes));
  wasm_byte_vec_delete(&message);
  return text;
}

std::string_view trap_code_text(wasmtime_trap_code_t code) {
  switch (code) {
    case WASMTIME_TRAP_CODE_STACK_OVERFLOW:
      return "call stack exhausted";
    case WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS:
      return "memory access out of bounds";
    case WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS:
      return "table access out of bounds";
    case WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL:
      return "indirect call to nothing";
    case WASMTIME_TRAP_CODE_BAD_SIGNATURE:
      return "indirect call of another type";
    case WASMTIME_TRAP_CODE_INTEGER_OVERFLOW:
      return "integer overflow";
    case WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO:
      return "division by zero";
    case WASMTIME_TRAP_CODE_BAD_CONVERSION_TO_INTEGER:
      return "conversion out of range";
    case WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED:
      return "unreachable code reached";
    case WASMTIME_TRAP_CODE_INTERRUPT:
      return "interrupted";
    case WASMTIME_TRAP_CODE_OUT_OF_FUEL:
      return "out of gas";
    default:
      return "trap";
  }
}

Status check(wasmtime_error_t* error, const char* what) {
  if (error == nullptr) return {};
  const ErrorHandle owned(error);
  return fail(Fault::kInvalid, std::string(what) + ": " + error_text(error));
}

Module::Module() = default;
Module::~Module() = default;
Module::Module(const Module&) = default;
Module& Module::operator=(const Module&) = default;

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::create(const EngineOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->engine = TRY(make_engine(options));
  impl->linker.reset(wasmtime_linker_new(impl->engine.get()));
  TRY(define_wasi(impl->linker.get()));
  impl->ticker = std::make_unique<Ticker>(impl->engine.get());
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

std::string Engine::configuration(const EngineOptions& options) {
  return std::string("wasmtime ") + WASMTIME_VERSION +
         (options.backend == Backend::kPulley ? " pulley" : " cranelift") +
         (options.profile == Profile::kPolicy ? " policy" : " program") + " params " +
         std::to_string(kEngineParamsVersion) + " stack " + std::to_string(kWasmStackBytes) +
         " opt speed nan canonical fuel epoch cow";
}

Result<Bytes> Engine::compile(ByteView wasm) const {
  wasmtime_module_t* raw = nullptr;
  TRY(check(wasmtime_module_new(impl_->engine.get(), wasm.data(), wasm.size(), &raw), "the module does not compile"));
  const ModuleHandle module(raw);
  wasm_byte_vec_t out;
  TRY(check(wasmtime_module_serialize(module.get(), &out), "the compiled module cannot be written"));
  Bytes artefact(reinterpret_cast<const std::uint8_t*>(out.data),
                 reinterpret_cast<const std::uint8_t*>(out.data) + out.size);
  wasm_byte_vec_delete(&out);
  return artefact;
}

Result<Module> Engine::load(ByteView artefact) const {
  wasmtime_module_t* raw = nullptr;
  TRY(check(wasmtime_module_deserialize(impl_->engine.get(), artefact.data(), artefact.size(), &raw), kNoLoad));
  Module module;
  module.impl_ = TRY(link(*impl_, ModuleHandle(raw)));
  return module;
}

Result<Module> Engine::load_file(const std::filesystem::path& artefact) const {
  wasmtime_module_t* raw = nullptr;
  TRY(check(wasmtime_module_deserialize_file(impl_->engine.get(), artefact.c_str(), &raw), kNoLoad));
  Module module;
  module.impl_ = TRY(link(*impl_, ModuleHandle(raw)));
  return module;
}

void Ticker::keep_awake() {
  used_.store(true);  // before the look at asleep_, in one order for both threads: no wake-up is lost
  if (!asleep_.load()) return;
  const std::lock_guard lock(mutex_);
  wake_.notify_one();
}

void Ticker::run(const std::stop_token& stop) {
  constexpr int kIdleTicks = 20;  // without a guest: waking again costs a microsecond, each tick several
  int idle = 0;
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (idle < kIdleTicks) {
      wake_.wait_for(lock, stop, std::chrono::milliseconds(kTickMs), [] { return false; });
      wasmtime_engine_increment_epoch(engine_);
      idle = used_.exchange(false) ? 0 : idle + 1;
      continue;
    }
    asleep_.store(true);
    wake_.wait(lock, stop, [this] { return used_.load(); });
    asleep_.store(false);
    idle = 0;
  }
}

Result<Bytes> wat_to_wasm(std::string_view text) {
  wasm_byte_vec_t out;
  TRY(check(wasmtime_wat2wasm(text.data(), text.size(), &out), "the text is not wasm"));
  Bytes wasm(reinterpret_cast<const std::uint8_t*>(out.data),
             reinterpret_cast<const std::uint8_t*>(out.data) + out.size);
  wasm_byte_vec_delete(&out);
  return wasm;
}

}  // namespace micro::wasm
