// A `micro server` under the preloaded library: started, asked, killed, and timed.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>

#include "chain/base/clock.hpp"
#include "rpc/client/node_client.hpp"
#include "tests/e2e/crash/fail_points.hpp"

namespace micro::crash {

/// The moment of a node's death.
struct Plan {
  Op op = Op::kJournalAppend;
  Phase phase = Phase::kBefore;
  std::uint64_t index = 1;
};

class NodeProcess {
 public:
  /// Everything is below `folder`, which exists.
  NodeProcess(std::string binary, std::filesystem::path folder);
  ~NodeProcess();
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

  /// A command to its end: its exit code.
  int run(const std::vector<std::string>& arguments);
  /// Dies by the plan, when there is one.
  void start(std::optional<Plan> plan);
  /// Waits until it says that it is ready: false when it died before.
  bool wait_ready();
  /// Waits until it dies by its plan; false when that takes longer than `ms`.
  bool wait_death(std::uint64_t ms);
  /// With all that it started, as a power cut would.
  void kill();
  /// In order; the exit code.
  int stop();

  [[nodiscard]] bool fired() const { return shared_->fired == 1; }
  [[nodiscard]] std::uint64_t hits(Op op) const { return shared_->done[static_cast<std::size_t>(op)]; }
  [[nodiscard]] Instant started() const { return started_; }
  [[nodiscard]] std::filesystem::path socket() const { return folder_ / "s"; }
  [[nodiscard]] std::filesystem::path data() const { return folder_ / "node"; }
  [[nodiscard]] std::filesystem::path kept() const { return folder_ / "kept"; }
  [[nodiscard]] std::string log() const;

 private:
  pid_t spawn(const std::vector<std::string>& arguments, bool preloaded, int out);
  void reap();

  std::string binary_;
  std::filesystem::path folder_;
  Shared* shared_ = nullptr;
  pid_t pid_ = -1;
  int death_ = -1;  ///< readable when it is dead
  int out_ = -1;
  Instant started_;
};

}  // namespace micro::crash
