// One call of a program: everything that it can see, and everything that it can do. Equal calls of an equal module
// under one engine version give equal outcomes on every machine, unless the deadline or the host itself ends them.
#pragma once

#include <cstdint>
#include <string>

#include "chain/base/bytes.hpp"
#include "chain/base/fixed_bytes.hpp"
#include "chain/base/quantity.hpp"
#include "services/wasm/texts/texts.hpp"

namespace micro::wasm {

inline constexpr std::uint64_t kDefaultMemoryBytes = 64 * 1024 * 1024;
inline constexpr std::uint32_t kDefaultOutBytes = 1024 * 1024;
inline constexpr std::uint32_t kDefaultLogBytes = 64 * 1024;

struct ProgramCall {
  Texts env;       ///< "NAME=value"
  Texts args;      ///< argv, the program's name first
  ByteView input;  ///< stdin; outlives the call
  Gas gas_limit;
  std::uint32_t deadline_ms = 10'000;  ///< of real time, and of the program's own virtual time spent asleep
  TimeMs time;                         ///< what its clocks start from
  Hash seed;                           ///< of its random bytes
  std::uint64_t memory_bytes = kDefaultMemoryBytes;
  std::uint32_t out_bytes = kDefaultOutBytes;  ///< of stdout; one byte more ends the call
  std::uint32_t log_bytes = kDefaultLogBytes;  ///< of stderr; what comes after is dropped
};

enum class CallEnd : std::uint8_t {
  kExited,   ///< by returning or with an exit code
  kTrapped,  ///< its own fault: charged the whole limit, like the two below
  kOutOfGas,
  kDeadline,
  kHostFailure,  ///< ours: charged nothing
  kCancelled,    ///< nobody waits for it any more: never of a call that is paid for, and never said by a worker
};
/// What a worker may say.
inline bool is_known(CallEnd end) {
  return end <= CallEnd::kHostFailure;
}

struct ProgramOutcome {
  CallEnd kind = CallEnd::kHostFailure;
  std::uint32_t exit_code = 0;
  Bytes out;
  Bytes log;
  Gas gas;             ///< to be paid: the limit after a trap, out of gas or the deadline
  std::string detail;  ///< for people: the trap and where it happened

  bool operator==(const ProgramOutcome&) const = default;
};

}  // namespace micro::wasm
