// What services and the wallet keep on disk or pass between processes, beside the ledger's own types (wire_types.hpp).
// A new one is added here, and with that gets its round trips, its frozen bytes and its place in the fuzz target.
#pragma once

#include "services/build/builder/build_cache.hpp"
#include "services/build/detect/plan.hpp"
#include "services/host/git_fetch/wire.hpp"
#include "services/host/worker/messages.hpp"
#include "services/payment/call.hpp"
#include "services/payment/store.hpp"
#include "services/wasm/module_cache/entry.hpp"
#include "wallet/keystore/session_store.hpp"
#include "wallet/payer/entry.hpp"
#include "wallet/payer/openings.hpp"

#define MICRO_KEPT_TYPES(X)                                                                                          \
  X(payment::SignedVoucher)                                                                                          \
  X(payment::AcceptedRecord)                                                                                         \
  X(payment::EndedRecord)                                                                                            \
  X(payment::ClosingRecord) X(payment::StoreMeta) X(CallRequest) X(CallReply) X(PayerChannel) X(EntryRecord)         \
      X(Opening) X(LaneProof) X(SessionCaps) X(NodeMessage) X(WorkerMessage) X(git::Job) X(git::Answer) X(BuildPlan) \
          X(BuildKey) X(wasm::CacheEntry)
