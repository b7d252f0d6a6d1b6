// Everything about a transaction that does not need the state, worked out once: its encoding, names and signature.
#pragma once

#include "chain/ledger/key_cache.hpp"
#include "chain/mempool/mempool.hpp"

namespace micro {

/// Transactions whose signatures a thread verifies at a time.
inline constexpr std::size_t kVerifyChunk = 50;

/// Encodes once; id and content hash come from the same bytes.
PreparedTx prepare_tx(SignedTx tx);
/// That the sender's key signed it. About 45 µs.
bool signature_holds(const PreparedTx& tx, KeyCache& keys);

}  // namespace micro
