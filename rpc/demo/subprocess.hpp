// Runs this same program as a person would: arguments in, standard output and exit code out.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "chain/base/result.hpp"

namespace micro {

struct ProcessResult {
  int exit_code = 0;
  std::string out;
  std::string err;
};

using ProcessEnv = std::map<std::string, std::string>;

/// Waits for the end. `env` is added to the environment of this process.
Result<ProcessResult> run_process(const std::vector<std::string>& argv, const ProcessEnv& env);

/// A process that runs beside this one, its output in a file; stopped (SIGTERM, then SIGKILL) when this goes.
class BackgroundProcess {
 public:
  static Result<BackgroundProcess> start(const std::vector<std::string>& argv, const ProcessEnv& env,
                                         const std::filesystem::path& log_file);
  BackgroundProcess(BackgroundProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  BackgroundProcess& operator=(BackgroundProcess&&) = delete;
  ~BackgroundProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Exit code when it has ended by itself.
  [[nodiscard]] std::optional<int> ended();
  void stop();

 private:
  explicit BackgroundProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

std::filesystem::path own_program();

}  // namespace micro
