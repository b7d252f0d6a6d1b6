#include "tests/gen/service_world.hpp"

namespace micro {
namespace {

using test::machine_key;
using test::person;
using test::ServiceWorld;

RotateNodeKey rotation(const ServiceWorld& w, const NodeId& node, std::uint64_t owner, std::uint64_t machine) {
  const RegisterNode r = w.registration(owner, machine);
  return {node, r.node_key, r.consensus_key, r.node_proof, r.consensus_proof};
}

TEST(RegisterNodeTx, NeedsBothKeysAndOnlyOnce) {
  ServiceWorld w;
  w.start();
  RegisterNode stolen = w.registration(1, 1);  // proofs were made for person 1
  EXPECT_EQ(w.apply(2, stolen).status, TxStatus::kBadNodeProof);
  RegisterNode twice = w.registration(1, 1);
  twice.consensus_key = twice.node_key;
  EXPECT_EQ(w.apply(1, twice).status, TxStatus::kNodeKeyTaken);
  const NodeId node = w.add_node(1, 1);
  EXPECT_EQ(w.apply(2, w.registration(2, 1)).status, TxStatus::kNodeKeyTaken);
  EXPECT_EQ(w.read<NodeRecord>(path::node(node))->owner, person(1));
}

TEST(RotateNodeKeyTx, KeepsTheNodeAndFreesTheOldKeys) {
  ServiceWorld w;
  w.start();
  const NodeId node = w.add_node(1, 1);
  w.add_node(2, 2);
  EXPECT_EQ(w.apply(1, rotation(w, NodeId{}, 1, 3)).status, TxStatus::kNoSuchNode);
  EXPECT_EQ(w.apply(2, rotation(w, node, 2, 3)).status, TxStatus::kNotOwner);
  EXPECT_EQ(w.apply(1, rotation(w, node, 1, 2)).status, TxStatus::kNodeKeyTaken);
  EXPECT_EQ(w.apply(1, rotation(w, node, 2, 3)).status, TxStatus::kBadNodeProof);
  EXPECT_EQ(w.apply(1, rotation(w, node, 1, 3)).status, TxStatus::kOk);
  EXPECT_EQ(w.read<NodeRecord>(path::node(node))->node_key, machine_key(106).public_key());
  EXPECT_FALSE(w.state.get(path::node_key(machine_key(102).public_key())).has_value());
  EXPECT_EQ(w.read<NodeId>(path::node_key(machine_key(106).public_key())), node);
}

GrantSessionKey grant(std::uint64_t key, Epoch expires) {
  return {test::person_key(key).public_key(), expires, Amount(1'000), Amount(100'000), 5, {}};
}

TEST(SessionKeys, AreGrantedOnceWithinTermsAndEnd) {
  ServiceWorld w;
  w.start();
  EXPECT_EQ(w.apply(0, grant(50, Epoch(0))).status, TxStatus::kBadSessionTerms);
  EXPECT_EQ(w.apply(0, grant(1, Epoch(9))).status, TxStatus::kSessionExists);  // an account already
  EXPECT_EQ(w.apply(0, grant(50, Epoch(2))).status, TxStatus::kOk);
  EXPECT_EQ(w.apply(1, grant(50, Epoch(9))).status, TxStatus::kSessionExists);
  EXPECT_EQ(w.apply(1, RevokeSessionKey{person(50)}).status, TxStatus::kNotOwner);
  EXPECT_EQ(w.apply(1, RevokeSessionKey{person(51)}).status, TxStatus::kNoSuchSession);
  EXPECT_EQ(w.apply(1, Transfer{person(50), Amount(1), {}}).status, TxStatus::kToSessionKey);
  EXPECT_EQ(w.check(w.make(50, RequestClose{})), TxStatus::kOk);
  EXPECT_EQ(w.check(w.make(50, Transfer{person(1), Amount(1), {}})), TxStatus::kNotForSessions);
  ASSERT_TRUE(w.end_epochs(2).has_value());
  EXPECT_EQ(w.check(w.make(50, RequestClose{})), TxStatus::kSessionEnded);
  EXPECT_EQ(w.apply(0, RevokeSessionKey{person(50)}).status, TxStatus::kSessionExpired);
  EXPECT_EQ(w.apply(0, grant(50, Epoch(9))).status, TxStatus::kSessionExists);  // its nonces were used
}

TEST(SessionKeys, SpendTheOwnersTokensWithinTheWindowAndCountTheirOwnNonces) {
  ServiceWorld w;
  w.start();
  GrantSessionKey terms = grant(50, Epoch(9));
  const std::uint64_t fee = tx_fee(w.genesis.params, tx_size(w.make(50, RequestClose{}))).micro;
  terms.window_cap = Amount(2 * fee);
  EXPECT_EQ(w.apply(0, terms).status, TxStatus::kOk);
  const std::uint64_t before = w.live(0).micro;
  EXPECT_EQ(w.apply(50, RequestClose{}).status, TxStatus::kNoSuchChannel);
  EXPECT_EQ(w.apply(50, RequestClose{}).status, TxStatus::kNoSuchChannel);
  EXPECT_EQ(w.live(0).micro, before - 2 * fee);
  EXPECT_EQ(w.account(0).nonce, Nonce(1));
  EXPECT_EQ(next_nonce(w.state, person(50)), Nonce(2));
  EXPECT_EQ(w.check(w.make(50, RequestClose{})), TxStatus::kSessionWindowFull);
  ASSERT_TRUE(w.end_epochs(5).has_value());  // the next window
  EXPECT_EQ(w.apply(50, RequestClose{}).status, TxStatus::kNoSuchChannel);
  EXPECT_EQ(w.apply(0, RevokeSessionKey{person(50)}).status, TxStatus::kOk);
  EXPECT_EQ(w.apply(0, RevokeSessionKey{person(50)}).status, TxStatus::kNoSuchSession);
  EXPECT_EQ(w.check(w.make(50, RequestClose{})), TxStatus::kSessionEnded);
}

}  // namespace
}  // namespace micro
