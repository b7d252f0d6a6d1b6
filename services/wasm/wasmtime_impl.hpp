// What the Wasmtime adapter's sources share. Not for anyone else.
#pragma once

#include <wasmtime.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/wasm/engine.hpp"

namespace micro::wasm {

template <auto Delete>
struct Deleter {
  template <class T>
  void operator()(T* p) const {
    Delete(p);
  }
};
using EngineHandle = std::unique_ptr<wasm_engine_t, Deleter<wasm_engine_delete>>;
using LinkerHandle = std::unique_ptr<wasmtime_linker_t, Deleter<wasmtime_linker_delete>>;
using ModuleHandle = std::unique_ptr<wasmtime_module_t, Deleter<wasmtime_module_delete>>;
using PreHandle = std::unique_ptr<wasmtime_instance_pre_t, Deleter<wasmtime_instance_pre_delete>>;
using StoreHandle = std::unique_ptr<wasmtime_store_t, Deleter<wasmtime_store_delete>>;
using FutureHandle = std::unique_ptr<wasmtime_call_future_t, Deleter<wasmtime_call_future_delete>>;
using ErrorHandle = std::unique_ptr<wasmtime_error_t, Deleter<wasmtime_error_delete>>;
using TrapHandle = std::unique_ptr<wasm_trap_t, Deleter<wasm_trap_delete>>;

std::string error_text(const wasmtime_error_t* error);
/// Wasmtime's own text with its backtrace, at most 1 KiB.
std::string trap_text(const wasm_trap_t* trap);
/// A text that depends on the kind of trap only.
std::string_view trap_code_text(wasmtime_trap_code_t code);
/// Takes ownership; kInvalid, since what Wasmtime refuses at compile or load time is the module's fault.
Status check(wasmtime_error_t* error, const char* what);

struct Module::Impl {
  ModuleHandle module;
  PreHandle pre;
};

/// Raises the engine's epoch every tick while guests run, and sleeps while none do.
class Ticker {
 public:
  explicit Ticker(wasm_engine_t* engine)
      : engine_(engine), thread_([this](const std::stop_token& stop) { run(stop); }) {}
  /// Called at each start and resume; costs one atomic load while the ticker is awake.
  void keep_awake();

 private:
  void run(const std::stop_token& stop);

  wasm_engine_t* engine_;
  std::atomic<bool> used_ = false;
  std::atomic<bool> asleep_ = false;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

struct Engine::Impl {
  EngineOptions options;
  EngineHandle engine;
  LinkerHandle linker;
  std::unique_ptr<Ticker> ticker;
};

/// Adds all of WASI preview 1.
Status define_wasi(wasmtime_linker_t* linker);

}  // namespace micro::wasm
