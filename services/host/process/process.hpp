// Runs one child process under watch: wall clock, output size, a caller's own watch, cancellation. Whatever ends the
// call, the child and its process group are gone when it returns.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "chain/base/bytes.hpp"
#include "chain/base/result.hpp"

namespace micro {

struct InheritedFd {
  int parent = -1;  ///< open in the caller, which keeps owning it
  int child = -1;   ///< its number in the child, ≥ 3
};

struct ProcessSpec {
  std::vector<std::string> argv;                    ///< argv[0] is the path of the program; PATH is not searched
  std::vector<std::string> environment;             ///< "KEY=value"; nothing is inherited
  Bytes input;                                      ///< written to stdin, which is then closed
  std::vector<InheritedFd> fds;                     ///< every other descriptor above 2 is closed in the child
  std::uint64_t wall_ms = 0;                        ///< then the child is killed; must not be 0
  std::size_t max_stdout_bytes = 0;                 ///< captured; more kills the child. Unused when merged
  bool merge_stdout = false;                        ///< stdout goes to on_output too
  std::function<void(std::string_view)> on_output;  ///< stderr as it comes, in the calling thread
  std::function<Status(int pid)> watch;  ///< every kWatchIntervalMs; an error kills the child and is returned
};

inline constexpr int kWatchIntervalMs = 100;

struct ProcessExit {
  int code = 0;    ///< exit status, meaningful when signal is 0
  int signal = 0;  ///< that ended it
  Bytes stdout_bytes;
  std::uint64_t elapsed_ms = 0;
  [[nodiscard]] bool ok() const { return code == 0 && signal == 0; }
};

/// Blocks. Errors: kIo (could not start), kLimit (wall clock or output), kInterrupted (stop requested), or the watch's.
/// A child that ends by itself, with whatever status, is a ProcessExit.
Result<ProcessExit> run_process(const ProcessSpec& spec, std::stop_token stop = {});

struct TreeUse {
  std::uint64_t resident_bytes = 0;
  std::size_t processes = 0;
};
/// Resident memory and number of a process and all its descendants, as /proc tells at this moment.
TreeUse process_tree_use(int pid);

}  // namespace micro
