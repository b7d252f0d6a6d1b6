// RocksDB on a lossy disk, with nothing left to chance: what it does in the background is done between two operations,
// its clock stands still.
#pragma once

#include "chain/store/rocks/rocks_kv.hpp"
#include "tests/gen/disk/lossy_disk.hpp"

namespace micro::test {

/// A machine with the databases of one process. Used by one thread; outlives what it opened. Pulling the plug: cut the
/// disk, close the databases, then lose_power.
class RocksMachine {
 public:
  RocksMachine();
  ~RocksMachine();
  LossyDisk& disk() { return disk_; }
  /// With the options of a node. `folder` is absolute; everything above it exists.
  Result<std::unique_ptr<Kv>> open(const std::string& folder, RocksUse use);

 private:
  class World;
  class SettledKv;
  LossyDisk disk_;
  std::unique_ptr<World> world_;
};

}  // namespace micro::test
