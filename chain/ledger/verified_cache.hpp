// Transactions whose signatures were verified for a block and that wait nowhere here: whoever sends one of them in
// later, or puts it into another block, costs no second verification. By the hash of the signed bytes, so that a match
// says everything. The newest, bounded.
#pragma once

#include <mutex>
#include <set>
#include <span>

#include "chain/base/fixed_bytes.hpp"

namespace micro {

inline constexpr std::size_t kMaxVerifiedPerGeneration = 32'768;  ///< two generations are kept: about 5 MiB

class VerifiedCache {
 public:
  void put(std::span<const Hash> contents);
  [[nodiscard]] bool has(const Hash& content) const;

 private:
  mutable std::mutex mutex_;
  std::set<Hash> newer_;
  std::set<Hash> older_;
};

}  // namespace micro
