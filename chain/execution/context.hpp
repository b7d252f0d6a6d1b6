// What every rule may know about where it runs.
#pragma once

#include "chain/economy/lot.hpp"
#include "chain/types/address.hpp"

namespace micro {

/// A block as the rules see it: before its roots are known.
struct BlockInput {
  ChainId chain;
  NetworkKind kind = NetworkKind::kDev;
  Height height;
  TimeMs time;
  BlockId parent;
};

struct Ctx {
  ChainParams params;
  BlockInput block;
  Epoch epoch;

  [[nodiscard]] LotTime lot_time() const { return micro::lot_time(epoch, params); }
};

}  // namespace micro
