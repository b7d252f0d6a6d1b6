#include "chain/identity/node_identity.hpp"

namespace micro {

NodeId node_id(const Address& owner, Nonce nonce) {
  return tagged_hash(domain::kNodeId, {owner.view(), encode(nonce)}).as<NodeId>();
}

Hash node_proof_hash(const ChainId& chain, const Address& owner, const Ed25519Key& node_key,
                     const Ed25519Key& consensus_key) {
  return tagged_hash(domain::kNodeProof, {chain.view(), owner.view(), node_key.view(), consensus_key.view()});
}

bool verify_node_proofs(const ChainId& chain, const Address& owner, const Ed25519Key& node_key,
                        const Ed25519Key& consensus_key, const Ed25519Signature& node_proof,
                        const Ed25519Signature& consensus_proof) {
  const Hash message = node_proof_hash(chain, owner, node_key, consensus_key);
  return verify_ed25519(node_key, message, node_proof) && verify_ed25519(consensus_key, message, consensus_proof);
}

}  // namespace micro
