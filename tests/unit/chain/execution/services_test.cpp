#include "tests/gen/service_world.hpp"

namespace micro {
namespace {

using test::person;
using test::ServiceWorld;

PublishService publication(const std::string& name, const std::string& url = "https://git.example/r",
                           std::uint32_t share = 500'000) {
  return {Text<kMaxServiceNameBytes>(name), Text<kMaxUrlBytes>(url), {}, Amount(1), share, {}};
}

TEST(PublishServiceTx, FirstComeFirstServedForAFee) {
  ServiceWorld w;
  w.start();
  EXPECT_EQ(w.apply(0, publication("Bad Name")).status, TxStatus::kBadName);
  EXPECT_EQ(w.apply(0, publication("good", "http://plain.example/r")).status, TxStatus::kBadSource);
  EXPECT_EQ(w.apply(0, publication("good", "https://git.example/r", 299'999)).status, TxStatus::kBadShare);
  const auto before = w.supply().burned.value();
  const TxReceipt receipt = w.apply(0, publication("good"));
  EXPECT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_EQ(w.supply().burned.value() - before, w.genesis.params.name_fee.micro + receipt.fee.micro);
  EXPECT_EQ(w.apply(1, publication("good")).status, TxStatus::kNameTaken);
  EXPECT_EQ(find_service(w.state, "good")->owner, person(0));
}

TEST(PublishServiceTx, NeedsTheNameFee) {
  ServiceWorld w(2, 500'000);
  w.start();
  EXPECT_EQ(w.apply(0, publication("good")).status, TxStatus::kInsufficientFunds);
}

TEST(ServiceTxs, AreTheOwnersAlone) {
  ServiceWorld w;
  w.start();
  const ServiceId service = w.publish(0, "hello");
  EXPECT_EQ(w.apply(1, SetPrice{service, Amount(2), 500'000}).status, TxStatus::kNotOwner);
  EXPECT_EQ(w.apply(0, SetPrice{ServiceId{}, Amount(2), 500'000}).status, TxStatus::kNoSuchService);
  EXPECT_EQ(w.apply(0, SetPrice{service, Amount(2), 1'000'001}).status, TxStatus::kBadShare);
  EXPECT_EQ(w.apply(0, SetPrice{service, Amount(2), 500'000}).status, TxStatus::kOk);
  EXPECT_EQ(find_service(w.state, "hello")->price, Amount(2));
  EXPECT_EQ(w.apply(1, AnnounceVersion{service, ServiceWorld::commit(1), 0, 64}).status, TxStatus::kNotOwner);
  EXPECT_EQ(w.apply(0, AnnounceVersion{ServiceId{}, ServiceWorld::commit(1), 0, 64}).status, TxStatus::kNoSuchService);
  EXPECT_EQ(w.apply(0, AnnounceVersion{service, ServiceWorld::commit(1), 0, 0}).status, TxStatus::kBadMemory);
  w.announce(0, service, 1);
  EXPECT_EQ(w.apply(0, AnnounceVersion{service, ServiceWorld::commit(1), 0, 64}).status, TxStatus::kVersionExists);
}

TEST(FundServiceTx, AnyonePaysInAndTheOwnerTakesOutWhatIsUnspent) {
  ServiceWorld w;
  w.start();
  const ServiceId service = w.publish(0, "hello");
  EXPECT_EQ(w.apply(1, FundService{service, Amount(0)}).status, TxStatus::kZeroAmount);
  EXPECT_EQ(w.apply(1, FundService{ServiceId{}, Amount(5)}).status, TxStatus::kNoSuchService);
  EXPECT_EQ(w.apply(1, FundService{service, Amount(5'000'000'000)}).status, TxStatus::kInsufficientFunds);
  EXPECT_EQ(w.apply(1, FundService{service, Amount(500)}).status, TxStatus::kOk);
  EXPECT_EQ(w.apply(1, UnfundService{service, Amount(1)}).status, TxStatus::kNotOwner);
  EXPECT_EQ(w.apply(0, UnfundService{service, Amount(0)}).status, TxStatus::kZeroAmount);
  EXPECT_EQ(w.apply(0, UnfundService{ServiceId{}, Amount(1)}).status, TxStatus::kNoSuchService);
  EXPECT_EQ(w.apply(0, UnfundService{service, Amount(501)}).status, TxStatus::kUnspentTooSmall);
  EXPECT_EQ(w.apply(0, UnfundService{service, Amount(500)}).status, TxStatus::kOk);
}

// Whoever wants all of it need not know how much that is when the transaction is executed: an epoch that ends before
// takes its upkeep.
TEST(FundServiceTx, TheOwnerTakesOutAllThereIsThen) {
  ServiceWorld w;
  w.start();
  const ServiceId service = w.publish(0, "hello");
  EXPECT_EQ(w.apply(0, UnfundService{service, {}}).status, TxStatus::kUnspentTooSmall);
  w.fund(1, service, 500);
  const SignedTx all = w.make(0, UnfundService{service, {}});
  FundRecord fund = *w.read<FundRecord>(path::fund(service));
  SupplyBook book = SupplyBook::from(w.supply(), w.lots()).value();
  Lot& lot = fund.purse.lots.at(0);
  book.burn({lot.expiry, lot.cls, Amount(60)});  // as upkeep does
  lot.amount = Amount(440);
  w.state.apply({{path::fund(service), encode(fund)}, {path::supply(), encode(book.record())}});
  const Amount before = w.live(0);
  const TxReceipt receipt = w.apply(all);
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_EQ(std::get<event::ServiceUnfunded>(receipt.events.at(0)).amount, Amount(440));
  EXPECT_EQ(w.live(0).micro, before.micro + 440 - receipt.fee.micro);
  EXPECT_TRUE(w.read<FundRecord>(path::fund(service))->purse.lots.empty());
}

TEST(Admission, LooksAtAmountsThatMayBeMissing) {
  ServiceWorld w;
  w.start();
  EXPECT_EQ(w.check(w.make(0, UnfundService{ServiceId{}, Amount(kMaxSupplyMicro + 1)})), TxStatus::kMalformed);
  EXPECT_EQ(w.check(w.make(0, UnfundService{ServiceId{}, {}})), TxStatus::kOk);
}

TEST(StakeTxs, OneOfferANodeWithItsBond) {
  ServiceWorld w;
  w.start();
  const NodeId node = w.add_node(1, 1);
  const Capacity capacity{1'000, 512, 100};
  const Amount bond = w.genesis.params.min_bond;
  EXPECT_EQ(w.apply(1, OfferResources{NodeId{}, capacity, bond}).status, TxStatus::kNoSuchNode);
  EXPECT_EQ(w.apply(2, OfferResources{node, capacity, bond}).status, TxStatus::kNotOwner);
  EXPECT_EQ(w.apply(1, OfferResources{node, {0, 512, 100}, bond}).status, TxStatus::kNoCapacity);
  EXPECT_EQ(w.apply(1, OfferResources{node, capacity, Amount(bond.micro - 1)}).status, TxStatus::kBondTooSmall);
  EXPECT_EQ(w.apply(1, OfferResources{node, capacity, Amount(9'000'000'000)}).status, TxStatus::kInsufficientFunds);
  const OfferId offer = w.add_offer(1, node);
  EXPECT_EQ(w.supply().paused, bond);
  EXPECT_EQ(w.apply(1, OfferResources{node, capacity, bond}).status, TxStatus::kOfferExists);
  EXPECT_EQ(w.apply(1, WithdrawOffer{OfferId{}}).status, TxStatus::kNoSuchOffer);
  EXPECT_EQ(w.apply(2, WithdrawOffer{offer}).status, TxStatus::kNotOwner);
  EXPECT_EQ(w.apply(1, WithdrawOffer{offer}).status, TxStatus::kOk);
  EXPECT_EQ(w.apply(1, WithdrawOffer{offer}).status, TxStatus::kOfferWithdrawn);
  EXPECT_EQ(w.apply(1, OfferResources{node, capacity, bond}).status, TxStatus::kOfferExists);  // still draining
  ASSERT_TRUE(w.end_epochs(w.genesis.params.drain_epochs).has_value());
  w.add_offer(1, node);
}

TEST(AttestBuildTx, IsCarriedByAnyoneAndPaidByTheNodesOwner) {
  ServiceWorld w;
  w.start();
  const NodeId node = w.add_node(1, 1), idle = w.add_node(2, 2);
  const ServiceId service = w.publish(0, "hello");
  const VersionId version = w.announce(0, service, 1);
  EXPECT_EQ(w.apply(1, w.attestation(VersionId{}, node, 1)).status, TxStatus::kNoSuchVersion);
  EXPECT_EQ(w.apply(1, w.attestation(version, NodeId{}, 1)).status, TxStatus::kNoSuchNode);
  EXPECT_EQ(w.apply(1, w.attestation(version, idle, 2)).status, TxStatus::kNotABuilder);
  w.add_offer(1, node);
  EXPECT_EQ(w.apply(3, w.attestation(version, node, 2)).status, TxStatus::kBadAttestation);
  // Person 88 has no tokens and no account.
  const SignedTx carried = w.make(88, w.attestation(version, node, 1));
  EXPECT_EQ(w.check(carried), TxStatus::kOk);
  const Amount owner_before = w.live(1);
  const TxReceipt receipt = w.apply(carried);
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_EQ(w.live(1).micro, owner_before.micro - receipt.fee.micro);
  EXPECT_EQ(w.account(88).nonce, Nonce(1));
  // Sending it again costs the owner nothing, and its penniless sender cannot even have it included.
  const SignedTx again = w.make(88, w.attestation(version, node, 1));
  EXPECT_EQ(w.check(again), TxStatus::kCannotPayFee);
  EXPECT_FALSE(w.run(std::span(&again, 1)).has_value());
  EXPECT_EQ(w.apply(3, w.attestation(version, node, 1)).status, TxStatus::kAlreadyAttested);
}

TEST(AttestBuildTx, StopsAtTheNumberAsked) {
  ServiceWorld w;
  w.genesis.params.build_quorum = 1;
  w.start();
  const NodeId a = w.add_node(1, 1), b = w.add_node(2, 2);
  w.add_offer(1, a);
  w.add_offer(2, b);
  const VersionId version = w.announce(0, w.publish(0, "hello"), 1);
  w.attest(1, version, a, 1);
  EXPECT_EQ(w.apply(2, w.attestation(version, b, 2)).status, TxStatus::kTooManyAttestations);
}

TEST(AttestBuildTx, FailsWhenTheOwnerCannotPay) {
  ServiceWorld w(3, 11'000'000);
  w.start();
  const NodeId node = w.add_node(1, 1);
  w.add_offer(1, node);
  const VersionId version = w.announce(0, w.publish(0, "hello"), 1);
  // The owner sends everything away but a little.
  const SignedTx empty = w.make(1, Transfer{person(2), Amount(1), {}});
  const std::uint64_t fee = tx_fee(w.genesis.params, tx_size(empty)).micro;
  EXPECT_EQ(w.apply(1, Transfer{person(2), Amount(w.live(1).micro - fee - 10), {}}).status, TxStatus::kOk);
  EXPECT_EQ(w.apply(2, w.attestation(version, node, 1)).status, TxStatus::kInsufficientFunds);
}

}  // namespace
}  // namespace micro
