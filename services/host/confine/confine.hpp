// Takes from a worker process everything that running guests does not need, so that a guest that breaks out of wasm
// finds itself in an empty room: no files but compiled modules, no network, no other process, no new privilege.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "chain/base/result.hpp"

namespace micro {

/// Closes every descriptor from `keep_from` on, limits resources, dies with the thread that started it, forbids new
/// privileges and leaves only `readable` to be read, or nothing (Landlock, where the kernel has it). Before any thread
/// starts. `data_bytes` bounds private writable memory. Returns what is in force, for people.
Result<std::string> confine_process(const std::optional<std::filesystem::path>& readable, std::uint64_t data_bytes,
                                    int keep_from);

/// From here on a system call outside the list of a running worker fails, and one that only an attacker makes kills the
/// process. Applies to all threads.
Status confine_system_calls();

}  // namespace micro
