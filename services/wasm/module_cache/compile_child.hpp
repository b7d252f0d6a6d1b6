// Compiling in a process that can be killed: a hostile module may make the compiler slow, hungry or wrong. The node
// starts its own binary again as `micro __compile`; wasm goes in on stdin, the artefact comes out on stdout, a refusal
// on stderr.
#pragma once

#include <filesystem>
#include <stop_token>

#include "chain/base/bytes.hpp"

namespace micro::wasm {

inline constexpr std::string_view kCompileArgument = "__compile";

struct CompileLimits {
  std::uint64_t wall_ms = 300'000;  ///< a Go program of 11 MB takes 13 s on two idle cores
  std::uint64_t memory_bytes = 3ULL << 30;
  std::size_t artefact_bytes = 256ULL << 20;
};

/// Blocks. kInvalid or kRefused: the module's fault, the same next time; kLimit: it took too much time or memory; kIo:
/// ours.
Result<Bytes> compile_in_child(ByteView wasm, const std::filesystem::path& program, const CompileLimits& limits,
                               const std::stop_token& stop = {});

/// True: main() was started as a compiler and returns compile_child_main(argc, argv).
bool is_compile_child(int argc, char** argv);
int compile_child_main(int argc, char** argv);

}  // namespace micro::wasm
