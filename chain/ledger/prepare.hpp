// Everything about a transaction that does not need the state, worked out once: its encoding, names and signature.
#pragma once

#include "chain/ledger/key_cache.hpp"
#include "chain/mempool/mempool.hpp"

namespace micro {

/// Transactions whose signatures a thread verifies at a time.
inline constexpr std::size_t kVerifyChunk = 50;

struct PreparedTxs {
  std::vector<PreparedTx> txs;
  std::vector<Hash> signed_hashes;  ///< what each signature is over
};
/// Encodes each once; id, content and signed hash come from the same bytes, hashed many at a time.
PreparedTxs prepare_txs(std::span<const SignedTx> txs);
/// That the sender's key signed it. About 45 µs.
bool signature_holds(const SignedTx& tx, const Hash& signed_hash, KeyCache& keys);

}  // namespace micro
