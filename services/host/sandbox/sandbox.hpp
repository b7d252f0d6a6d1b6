// Runs a program of a stranger's choosing (a compiler over a stranger's source) so that it sees its toolchain, its
// source and two small memory disks, and nothing else: no network, no other file, no other process, no privilege.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "chain/base/result.hpp"

namespace micro {

struct SandboxLimits {
  std::uint64_t wall_ms = 300'000;
  std::uint64_t cpu_s = 600;                       ///< of one process
  std::uint64_t address_space_bytes = 8ULL << 30;  ///< of one process; Go reserves much more than it uses
  std::uint64_t memory_bytes = 3ULL << 30;         ///< resident, all processes together
  std::uint64_t file_bytes = 512ULL << 20;         ///< one file
  std::uint64_t out_bytes = 256ULL << 20;          ///< the memory disk /out
  std::uint64_t tmp_bytes = 1ULL << 30;            ///< the memory disk /tmp
  std::uint64_t output_bytes = 32ULL << 20;        ///< printed, both streams together
  std::uint32_t processes = 256;                   ///< and threads
  std::uint32_t open_files = 1'024;
};

struct SandboxBind {
  std::string host;    ///< an existing folder
  std::string inside;  ///< where it appears
};

struct SandboxSpec {
  std::vector<std::string> argv;         ///< argv[0] as seen inside
  std::vector<std::string> environment;  ///< "KEY=value"; nothing else is set
  std::string working_dir = "/";
  std::vector<SandboxBind> read_only;  ///< beside the system's programs and libraries
  std::vector<SandboxBind> writable;   ///< none for anything that runs a stranger's code twice
  int result_fd = -1;                  ///< descriptor 3 inside, for the result; -1 for none
  SandboxLimits limits;
  std::function<void(std::string_view)> on_output;  ///< stdout and stderr, raw
};

struct SandboxExit {
  int code = 0;  ///< exit status; 128 + n when signal n ended the program
  std::uint64_t elapsed_ms = 0;
  std::uint64_t peak_memory_bytes = 0;  ///< as sampled
};

/// Blocks. Errors: kDenied (no sandbox on this machine, with the reason and what to do), kBusy (the wall clock, which
/// is the machine's as much as the program's), kLimit (any other limit, which), kInterrupted, kIo. There is no way to
/// run the program without the sandbox.
Result<SandboxExit> run_sandboxed(const SandboxSpec& spec, std::stop_token stop = {});

/// Tries one. An error says why this machine cannot make it and what would help.
Status sandbox_available();

/// What an exit status of a sandboxed program means when a limit ended it, or "".
std::string sandbox_exit_reason(int code);

}  // namespace micro
