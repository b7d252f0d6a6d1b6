#include "chain/execution/handlers.hpp"
#include "chain/identity/node_identity.hpp"
#include "chain/identity/session_terms.hpp"

namespace micro {
namespace {

// A key names one node, whether as node key or as consensus key.
bool key_is_taken(const TxScope& s, const Ed25519Key& key) {
  return s.view().get(path::node_key(key)).has_value();
}

TxStatus check_new_keys(const TxScope& s, const Ed25519Key& node_key, const Ed25519Key& consensus_key) {
  if (node_key == consensus_key || key_is_taken(s, node_key) || key_is_taken(s, consensus_key)) {
    return TxStatus::kNodeKeyTaken;
  }
  return TxStatus::kOk;
}

void store_keys(TxScope& s, const NodeRecord& node) {
  s.store(path::node_key(node.node_key), node.node);
  s.store(path::node_key(node.consensus_key), node.node);
  s.store(path::node(node.node), node);
}

}  // namespace

Result<TxStatus> apply(TxScope& s, const RegisterNode& t) {
  if (const TxStatus status = check_new_keys(s, t.node_key, t.consensus_key); status != TxStatus::kOk) return status;
  if (!verify_node_proofs(s.ctx().block.chain, s.sender(), t.node_key, t.consensus_key, t.node_proof,
                          t.consensus_proof)) {
    return TxStatus::kBadNodeProof;
  }
  const NodeRecord node{node_id(s.sender(), s.tx().body.nonce), s.sender(), t.node_key, t.consensus_key, s.now(), {}};
  store_keys(s, node);
  s.emit(event::NodeRegistered{s.sender(), node.node, t.node_key});
  return TxStatus::kOk;
}

Result<TxStatus> apply(TxScope& s, const RotateNodeKey& t) {
  auto node = TRY(s.load<NodeRecord>(path::node(t.node)));
  if (!node) return TxStatus::kNoSuchNode;
  if (node->owner != s.sender()) return TxStatus::kNotOwner;
  s.erase(path::node_key(node->node_key));
  s.erase(path::node_key(node->consensus_key));
  if (const TxStatus status = check_new_keys(s, t.node_key, t.consensus_key); status != TxStatus::kOk) return status;
  if (!verify_node_proofs(s.ctx().block.chain, s.sender(), t.node_key, t.consensus_key, t.node_proof,
                          t.consensus_proof)) {
    return TxStatus::kBadNodeProof;
  }
  node->node_key = t.node_key;
  node->consensus_key = t.consensus_key;
  store_keys(s, *node);
  s.emit(event::NodeKeyRotated{node->node, t.node_key});
  return TxStatus::kOk;
}

// A key is granted once, ever: its nonces would start over, and what it signed before could be sent again.
Result<TxStatus> apply(TxScope& s, const GrantSessionKey& t) {
  const Address key = address_of(t.key);
  if (s.view().get(path::session(key)) || TRY(s.existing_account(key)) != nullptr) return TxStatus::kSessionExists;
  if (!session_terms_in_range(t, s.now(), s.params())) return TxStatus::kBadSessionTerms;
  SessionRecord session;
  session.key = key;
  session.owner = s.sender();
  session.expires = t.expires;
  session.per_call_cap = t.per_call_cap;
  session.window_cap = t.window_cap;
  session.window_epochs = t.window_epochs;
  session.window_start = s.now();
  session.services = t.services;
  s.store(path::session(key), session);
  s.emit(event::SessionGranted{s.sender(), key, t.expires});
  return TxStatus::kOk;
}

Result<TxStatus> apply(TxScope& s, const RevokeSessionKey& t) {
  auto session = TRY(s.load<SessionRecord>(path::session(t.key)));
  if (!session || session->revoked) return TxStatus::kNoSuchSession;
  if (session->owner != s.sender()) return TxStatus::kNotOwner;
  if (s.now() >= session->expires) return TxStatus::kSessionExpired;
  session->revoked = true;
  s.store(path::session(t.key), *session);
  s.emit(event::SessionRevoked{s.sender(), t.key});
  return TxStatus::kOk;
}

}  // namespace micro
