// What a block works on: the parameters, the clock and the supply, read once and written once.
#pragma once

#include <memory>

#include "chain/execution/tx_scope.hpp"
#include "chain/types/genesis.hpp"

namespace micro {

struct BlockState {
  Ctx ctx;
  EpochClock clock;
  SupplyBook book;
  Overlay overlay;

  explicit BlockState(const StateView& parent) : overlay(parent) {}
  static Result<std::unique_ptr<BlockState>> open(const StateView& parent, const BlockInput& input);
  void store_supply() { overlay.put_record(path::supply(), book.record()); }
};

}  // namespace micro
