// WASI preview 1 for programs that see nothing but their call: the clock starts at the call's time and moves with gas
// and with sleep that does not block, randomness comes from the call's seed, there are three streams and no files.
// Source of names, layouts and errno: https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "services/wasm/program.hpp"

namespace micro::wasm {

inline constexpr std::string_view kWasiModule = "wasi_snapshot_preview1";
inline constexpr std::size_t kMaxWasiParams = 9;
/// Host gas, part of the engine parameters' version: a call of the host, and each byte that it copies or each entry
/// that it reads. Without it, work of the host would be free.
inline constexpr std::uint64_t kHostCallGas = 100;
inline constexpr std::uint64_t kHostByteGas = 1;
inline constexpr std::uint64_t kRandomByteGas = 8;
/// Of one random_get; more is EINVAL. A call of the host cannot be stopped in the middle, so each must take less than a
/// tick: this one some milliseconds.
inline constexpr std::uint64_t kMaxRandomBytes = 1024 * 1024;

using WasiErrno = std::uint16_t;
namespace wasi_errno {
inline constexpr WasiErrno kSuccess = 0, kBadf = 8, kFault = 21, kInval = 28, kNosys = 52, kNotsock = 57, kSpipe = 70;
}

class Wasi {
 public:
  using Args = std::span<const std::uint64_t>;
  using Handler = WasiErrno (Wasi::*)(Args);
  /// Why the guest does not get control back.
  enum class Stop : std::uint8_t { kNone, kExit, kTrap, kOutOfGas, kDeadline };

  /// `call` outlives this.
  explicit Wasi(const ProgramCall& call) : call_(call) {}

  /// Runs one function on the guest's memory as it is now. Takes its gas from `gas_left`; look at stop() afterwards.
  WasiErrno call(Handler handler, Args args, std::span<std::uint8_t> memory, std::uint64_t& gas_left);

  [[nodiscard]] Stop stop() const { return stop_; }
  [[nodiscard]] std::uint32_t exit_code() const { return exit_code_; }
  [[nodiscard]] const std::string& trap_text() const { return trap_text_; }
  Bytes take_out() { return std::move(out_); }
  Bytes take_log() { return std::move(log_); }

  WasiErrno args_get(Args);
  WasiErrno args_sizes_get(Args);
  WasiErrno environ_get(Args);
  WasiErrno environ_sizes_get(Args);
  WasiErrno clock_res_get(Args);
  WasiErrno clock_time_get(Args);
  WasiErrno fd_close(Args);
  WasiErrno fd_fdstat_get(Args);
  WasiErrno fd_filestat_get(Args);
  WasiErrno fd_read(Args);
  WasiErrno fd_write(Args);
  WasiErrno poll_oneoff(Args);
  WasiErrno proc_exit(Args);
  WasiErrno random_get(Args);
  WasiErrno succeed(Args);         ///< nothing to do: sched_yield
  WasiErrno stream_succeed(Args);  ///< nothing to do on an open stream: fd_sync, fd_fdstat_set_flags
  WasiErrno stream_no_seek(Args);  ///< streams have no position
  WasiErrno stream_invalid(Args);  ///< what only files can do
  WasiErrno stream_no_socket(Args);
  WasiErrno no_such_fd(Args);  ///< there are no folders
  WasiErrno unsupported(Args);

 private:
  struct Slice;
  bool spend(std::uint64_t gas);
  bool in_memory(std::uint64_t at, std::uint64_t size) const;
  template <class U>
  bool store(std::uint64_t at, U value);
  template <class U>
  U load(std::uint64_t at) const;
  WasiErrno put_texts(const Texts& texts, std::uint64_t pointers_at, std::uint64_t text_at);
  WasiErrno put_sizes(const Texts& texts, Args args);
  [[nodiscard]] bool is_open(std::uint64_t fd) const { return fd < open_.size() && open_[fd]; }
  WasiErrno write_stream(std::uint64_t fd, ByteView bytes);
  [[nodiscard]] std::uint64_t now_ns(bool real_time) const;
  struct Wait;
  Wait subscription(std::uint64_t at) const;
  bool sleep_until(std::uint64_t elapsed_ns);

  const ProgramCall& call_;
  std::span<std::uint8_t> memory_;
  std::uint64_t* gas_left_ = nullptr;
  std::uint64_t read_ = 0;  // of stdin
  std::uint64_t slept_ns_ = 0;
  std::uint64_t random_block_ = 0;
  std::array<bool, 3> open_ = {true, true, true};
  Bytes out_;
  Bytes log_;
  Stop stop_ = Stop::kNone;
  std::uint32_t exit_code_ = 0;
  std::string trap_text_;
};

struct WasiFunction {
  std::string_view name;
  std::string_view params;  ///< 'i' a 32-bit, 'I' a 64-bit integer
  Wasi::Handler handler;
  bool returns = true;  ///< an errno; proc_exit alone has no result
};

/// All 46 functions of preview 1.
std::span<const WasiFunction> wasi_functions();
const WasiFunction* find_wasi_function(std::string_view name);

}  // namespace micro::wasm
