#pragma once

#include "chain/codec/fields.hpp"
#include "chain/types/event.hpp"
#include "chain/types/tx_status.hpp"

namespace micro {

inline constexpr std::size_t kMaxEventsPerTx = 64;
inline constexpr std::size_t kMaxBoundaryEvents = 65'536;

/// The ledger's account of one transaction.
struct TxReceipt {
  TxId tx;
  TxStatus status = TxStatus::kOk;
  Amount fee;
  List<Event, kMaxEventsPerTx> events;
  static constexpr auto kFields = fields<&TxReceipt::tx, &TxReceipt::status, &TxReceipt::fee, &TxReceipt::events>;
};

}  // namespace micro
