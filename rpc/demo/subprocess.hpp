// Runs this same program as a person would: arguments in, standard output and exit code out.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "chain/base/result.hpp"

namespace micro {

struct ProgramResult {
  int exit_code = 0;
  std::string out;
  std::string err;
};

using ProgramEnv = std::map<std::string, std::string>;

/// While it lives, SIGINT, SIGTERM and SIGHUP do not end this process but whatever waits for them here, so that it can
/// clean up. Programs that are started do not inherit that. One at a time, made before any thread.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  /// One of them came; from then on always.
  [[nodiscard]] bool came() const { return wait(0); }
  /// Until one comes, `ms` at most.
  [[nodiscard]] bool wait(int ms) const;
  /// Readable once one came; −1 when there is none (then nothing is caught).
  [[nodiscard]] int fd() const { return fd_; }

 private:
  sigset_t before_{};
  int fd_ = -1;
};

/// Waits for the end. `env` is added to the environment of this process. kInterrupted when one of `interrupts` came:
/// the program is ended then, like a BackgroundProgram.
Result<ProgramResult> run_program(const std::vector<std::string>& argv, const ProgramEnv& env,
                                  const Interrupts& interrupts);

/// A process that runs beside this one, its output in a file; stopped (SIGTERM, then SIGKILL) when this goes.
class BackgroundProgram {
 public:
  static Result<BackgroundProgram> start(const std::vector<std::string>& argv, const ProgramEnv& env,
                                         const std::filesystem::path& log_file);
  BackgroundProgram(BackgroundProgram&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  BackgroundProgram& operator=(BackgroundProgram&&) = delete;
  ~BackgroundProgram();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Exit code when it has ended by itself.
  [[nodiscard]] std::optional<int> ended();
  void stop();

 private:
  explicit BackgroundProgram(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

std::filesystem::path own_program();

}  // namespace micro
