// Takes from a worker process everything that running guests does not need, so that a guest that breaks out of wasm
// finds itself in an empty room: no files but compiled modules, no network, no other process, no new privilege.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "chain/base/result.hpp"

namespace micro {

struct WorkerLimits {
  std::uint64_t data_bytes = 4ULL << 30;  ///< private writable memory: all guests' memories together
};

/// Closes every descriptor from `keep_from` on, limits resources, dies with the parent, forbids new privileges and
/// leaves only `readable` to be read (Landlock, where the kernel has it). Before any thread starts. Returns what is in
/// force, for people.
Result<std::string> confine_process(const std::filesystem::path& readable, const WorkerLimits& limits, int keep_from);

/// From here on a system call outside the list of a running worker fails, and one that only an attacker makes kills the
/// process. Applies to all threads.
Status confine_system_calls();

}  // namespace micro
