// The signer's memory in a file: every statement with its block, synced before the signature exists. One process a
// file.
#pragma once

#include <memory>
#include <string>

#include "consensus/solo/sequencer.hpp"

namespace micro {

/// Then the file is written anew with the newest record only.
inline constexpr std::uint64_t kMaxSignerLogBytes = 64u << 20;

/// What a log's bytes say. What follows `valid_bytes` is a record that was cut off: it was never synced, so never
/// signed.
struct SignerLogContents {
  std::optional<SignedStatement> last;
  std::uint64_t valid_bytes = 0;
};
/// kCorrupt when a record that was synced is damaged or out of order.
Result<SignerLogContents> parse_signer_log(ByteView file);

class SignerLog final : public StatementLog {
 public:
  /// `folder` exists. kBusy when another process signs with this log; kCorrupt when a record that was synced is
  /// damaged. A record cut off at the end was never signed and is removed.
  static Result<std::unique_ptr<SignerLog>> open(const std::string& folder,
                                                 std::uint64_t max_bytes = kMaxSignerLogBytes);
  ~SignerLog() override;

  Status record(const SignedStatement& statement) override;
  [[nodiscard]] const std::optional<SignedStatement>& last() const override { return found_; }

 private:
  SignerLog(std::string folder, std::uint64_t max_bytes, int lock, int file)
      : folder_(std::move(folder)), max_bytes_(max_bytes), lock_(lock), file_(file) {}
  Status replay();
  Status rewrite(ByteView record);

  std::string folder_;
  std::uint64_t max_bytes_;
  int lock_;
  int file_;
  std::uint64_t size_ = 0;
  std::optional<SignedStatement> found_;  ///< when it was opened
  /// What the next record has to be above. Without the block, whose body is megabytes.
  struct Newest {
    Epoch epoch;
    Statement statement;
  };
  std::optional<Newest> newest_;
  bool broken_ = false;  ///< after a failed write or sync: what is on the disk is unknown
};

}  // namespace micro
