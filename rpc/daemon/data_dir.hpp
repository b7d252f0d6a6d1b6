// The node's folder: one process at a time, keys in files that only the owner reads, written whole or not at all.
#pragma once

#include <filesystem>

#include "chain/base/random.hpp"
#include "chain/crypto/ed25519.hpp"
#include "chain/crypto/secp256k1.hpp"

namespace micro {

/// Holds a lock until it goes, at the latest with the process. The file names the holder's process id.
class ProcessLock {
 public:
  /// kDenied says `taken` and the process that holds it. Where that one is gone, what it started may still hold the
  /// lock: then this waits for up to three seconds.
  static Result<ProcessLock> take(const std::filesystem::path& file, const std::string& taken);
  ProcessLock(ProcessLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ProcessLock& operator=(ProcessLock&&) = delete;
  ~ProcessLock();

 private:
  explicit ProcessLock(int fd) : fd_(fd) {}
  int fd_;
};

/// Removes the folders "`prefix`…" in `parent` whose "lock" nobody holds: a process that was killed left them.
void clear_left_folders(const std::filesystem::path& parent, std::string_view prefix);

/// What the node signs with. None of it can move tokens of the node's owner.
struct NodeKeys {
  Ed25519Secret node;       ///< p2p identity, receipts, attestations, claims
  Ed25519Secret consensus;  ///< blocks
  SecretKey operating;      ///< sends claims and attestations, whose fees others pay
  Hash call_secret;         ///< seeds of calls are an HMAC under it
};

/// Loads keys.bin, or makes it. Refuses a file that others may read.
Result<NodeKeys> load_or_make_keys(const std::filesystem::path& data_dir, Random& random);

}  // namespace micro
