#include "services/wasm/module_cache/compile_child.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>

#include "services/host/confine/confine.hpp"
#include "services/host/process/lines.hpp"
#include "services/host/process/process.hpp"
#include "services/wasm/engine.hpp"
#include "services/wasm/module_info.hpp"

namespace micro::wasm {
namespace {

constexpr int kRefusedExit = 2;  // stderr says why it is the module's fault
constexpr std::size_t kMaxRefusalBytes = 2'048;

Result<Bytes> read_all(int fd, std::size_t max) {
  Bytes out;
  std::array<std::uint8_t, 65'536> chunk{};
  while (true) {
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n == 0) return out;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Fault::kIo, "cannot read the module");
    if (out.size() + static_cast<std::size_t>(n) > max) return fail(Fault::kLimit, "the module is too long");
    out.insert(out.end(), chunk.begin(), chunk.begin() + n);
  }
}

Status write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Fault::kIo, "cannot write the artefact");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<Bytes> compile_stdin(std::uint64_t memory_bytes) {
  TRY(confine_process(std::nullopt, memory_bytes, STDERR_FILENO + 1));
  const Bytes wasm = TRY(read_all(STDIN_FILENO, ModuleCaps{}.module_bytes));
  const auto engine = TRY(Engine::create({}));
  return engine->compile(wasm);
}

}  // namespace

Result<Bytes> compile_in_child(ByteView wasm, const std::filesystem::path& program, const CompileLimits& limits,
                               const std::stop_token& stop) {
  std::string refusal;
  ProcessSpec spec;
  spec.argv = {program.string(), std::string(kCompileArgument), std::to_string(limits.memory_bytes)};
  spec.input = to_bytes(wasm);
  spec.wall_ms = limits.wall_ms;
  spec.max_stdout_bytes = limits.artefact_bytes;
  spec.on_output = [&](std::string_view text) {
    if (refusal.size() < kMaxRefusalBytes) refusal += text.substr(0, kMaxRefusalBytes - refusal.size());
  };
  ProcessExit exit = TRY(run_process(spec, stop));
  if (exit.ok() && !exit.stdout_bytes.empty()) return std::move(exit.stdout_bytes);
  while (refusal.ends_with('\n')) refusal.pop_back();
  if (exit.signal == 0 && exit.code == kRefusedExit) return fail(Fault::kInvalid, escape_line(refusal));
  if (exit.signal == SIGKILL)
    return fail(Fault::kBusy, "the compiler was killed: the machine had no memory left for it");
  if (exit.signal != 0) {
    return fail(Fault::kLimit, "the compiler was killed by signal " + std::to_string(exit.signal) +
                                   "; it may have needed more than " + std::to_string(limits.memory_bytes >> 20) +
                                   " MiB");
  }
  return fail(Fault::kIo, "the compiler failed: " + escape_line(refusal));
}

bool is_compile_child(int argc, char** argv) {
  return argc == 3 && argv[1] == kCompileArgument;
}

int compile_child_main(int, char** argv) {
  std::uint64_t memory_bytes = 0;
  const std::string_view text = argv[2];
  if (std::from_chars(text.data(), text.data() + text.size(), memory_bytes).ec != std::errc()) return 1;
  const Result<Bytes> artefact = compile_stdin(memory_bytes);
  int code = artefact && write_all(STDOUT_FILENO, *artefact) ? 0 : 1;
  if (!artefact) {
    std::fprintf(stderr, "%s\n", artefact.error().message.c_str());
    if (artefact.error().fault == Fault::kInvalid) code = kRefusedExit;
  }
  ::_exit(code);  // giving back the compiler's memory piece by piece takes longer than the system does
}

}  // namespace micro::wasm
