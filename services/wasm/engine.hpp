// The engine port: wasm in, artefact out; artefact in, calls run. Wasmtime is behind it and nowhere else.
//
// Gas is Wasmtime's fuel plus the gas of host calls (wasi.hpp); it depends on the engine's version, which is therefore
// a ledger parameter. The engine's counter is flushed at calls and returns only, so a loop followed by a trap would be
// almost free: a trap costs the whole limit.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "services/wasm/program.hpp"

namespace micro::wasm {

inline constexpr std::uint32_t kTickMs = 10;  ///< how often the engine looks at a running guest
inline constexpr std::uint64_t kMaxMemoryBytes = 256ULL * 1024 * 1024;  ///< that any call may be given

enum class Backend : std::uint8_t { kCranelift, kPulley };
/// Which proposals past the first version of wasm are on.
enum class Profile : std::uint8_t {
  kProgram,  ///< what clang, Go and Rust emit: bulk memory, sign extension, multi-value, references to functions
  kPolicy,   ///< bulk memory and sign extension
};

struct EngineOptions {
  Backend backend = Backend::kCranelift;
  Profile profile = Profile::kProgram;
  /// Above 0: reserves address space (4 GiB each) for so many instances at once and resets it between calls.
  std::uint32_t slots = 0;
};

/// Machine code that is ready to be instantiated. Cheap to copy.
class Module {
 public:
  Module();
  ~Module();
  Module(const Module&);
  Module& operator=(const Module&);

  struct Impl;

 private:
  friend class Engine;
  std::shared_ptr<const Impl> impl_;  // shared by the calls that run it
};

/// A program that has begun. Destroying it before its end drops it.
class RunningProgram {
 public:
  RunningProgram(RunningProgram&&) noexcept;
  ~RunningProgram();
  /// Runs until the program ends or one or two ticks pass. True: it ended, take() once.
  bool resume();
  /// Its deadline has passed; resume() would only end it.
  [[nodiscard]] bool expired() const;
  ProgramOutcome take();

  struct Impl;

 private:
  friend class Engine;
  explicit RunningProgram(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A call of a module without imports: exports `memory`, `input_buffer(size: i32) -> i32` (where to put the input, 0 if
/// it does not fit) and `decide(address: i32, size: i32) -> i64` (address in the upper, length of the output in the
/// lower half).
struct PureCall {
  ByteView input;
  std::uint64_t fuel = 0;
  std::uint32_t deadline_ms = 300'000;  ///< an emergency brake: reaching it is an error of this machine
  std::uint32_t max_output_bytes = 1024 * 1024;
};

struct PureOutcome {
  bool ok = false;
  Bytes output;
  std::uint64_t fuel = 0;  ///< the whole budget after a trap
  std::string trap;        ///< the same text on every machine

  bool operator==(const PureOutcome&) const = default;
};

/// Thread-safe. One a process is enough for each set of options.
class Engine {
 public:
  struct Impl;
  static Result<std::unique_ptr<Engine>> create(const EngineOptions& options);
  ~Engine();

  /// Wasmtime's version and every setting that changes code or gas, as one line.
  static std::string configuration(const EngineOptions& options);

  /// Machine code for this machine. Slow, and it can use much memory: node and worker call it in a child process only.
  /// Inspect the module first.
  [[nodiscard]] Result<Bytes> compile(ByteView wasm) const;
  /// An artefact that this machine compiled: its bytes are executed as they are, so never one from elsewhere.
  [[nodiscard]] Result<Module> load(ByteView artefact) const;
  /// The same, mapped from a file that nobody changes while it is loaded.
  [[nodiscard]] Result<Module> load_file(const std::filesystem::path& artefact) const;

  /// Begins a call. `call.input` outlives the returned object.
  [[nodiscard]] RunningProgram start(const Module& module, ProgramCall call) const;
  /// Runs a call to its end on this thread.
  [[nodiscard]] ProgramOutcome run(const Module& module, ProgramCall call) const;
  /// An error is the host's own trouble (memory, deadline), never the module's.
  [[nodiscard]] Result<PureOutcome> run_pure(const Module& module, const PureCall& call) const;

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Text format to binary, for tests and for services that are checked in as text.
Result<Bytes> wat_to_wasm(std::string_view text);

}  // namespace micro::wasm
