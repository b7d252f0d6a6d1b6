// Kv on RocksDB. The ledger and the state are two instances, each with its own log: one's stall does not stop the
// other.
#pragma once

#include <memory>
#include <string>

#include "chain/store/kv.hpp"

namespace rocksdb {
class Env;
}

namespace micro {

/// How an instance is used.
enum class RocksUse : std::uint8_t {
  kLedger,  ///< large blocks written once, small index entries, point reads
  kState,   ///< small values overwritten all the time, read only when the node starts
};

/// kIo when the folder cannot be opened (another process has it, no space, no right), kCorrupt when a record that was
/// synced is damaged. `env`: the files and threads to work with, for tests; it outlives the database.
Result<std::unique_ptr<Kv>> open_rocks_kv(const std::string& folder, RocksUse use, rocksdb::Env* env = nullptr);

}  // namespace micro
