// Nodes: an id that survives key rotation, and proofs that whoever registers a key holds it.
#pragma once

#include "chain/types/transaction.hpp"

namespace micro {

/// hash of (owner ‖ nonce of the RegisterNode).
NodeId node_id(const Address& owner, Nonce nonce);
/// What a node key and a consensus key each sign to be registered by `owner` on one chain.
Hash node_proof_hash(const ChainId& chain, const Address& owner, const Ed25519Key& node_key,
                     const Ed25519Key& consensus_key);
/// Both keys signed.
bool verify_node_proofs(const ChainId& chain, const Address& owner, const Ed25519Key& node_key,
                        const Ed25519Key& consensus_key, const Ed25519Signature& node_proof,
                        const Ed25519Signature& consensus_proof);

}  // namespace micro
