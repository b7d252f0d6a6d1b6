#include "chain/execution/channel_view.hpp"
#include "tests/gen/chain/channel_world.hpp"

namespace micro {
namespace {

using test::ChannelWorld;
using test::person;

constexpr std::uint64_t kPayer = 0, kHost = 1, kOwner = 2, kStranger = 3;

struct Channels : testing::Test {
  ChannelWorld w;
  ChannelId id;
  void SetUp() override { id = w.open(); }
  TxStatus status(std::uint64_t sender, Payload payload) { return w.apply(sender, std::move(payload)).status; }
};

// --- open ---

TEST_F(Channels, OpenFreezesTheTerms) {
  const ChannelRecord c = *w.channel(id);
  EXPECT_EQ(c.payer, person(kPayer));
  EXPECT_EQ(c.host_owner, person(kHost));
  EXPECT_EQ(c.owner, person(kOwner));
  EXPECT_EQ(c.terms, (ChannelTerms{ChannelWorld::kPrice, 700'000, 50'000, w.node_key.public_key()}));
  EXPECT_EQ(w.lots().now, Epoch(0));
  EXPECT_EQ(live_total(c.escrow, w.lots()).micro, 10'000'000 + c.prepaid.micro);
  EXPECT_EQ(c.prepaid, finalize_fee(w.genesis.params));
}

TEST_F(Channels, OpenNeedsACurrentPlacement) {
  w.place(Epoch(5));
  EXPECT_EQ(status(kPayer, w.terms()), TxStatus::kNotPlaced);
  OpenChannel elsewhere = w.terms();
  elsewhere.host = {};
  EXPECT_EQ(status(kPayer, elsewhere), TxStatus::kNoSuchNode);
  elsewhere = w.terms();
  elsewhere.service = {};
  EXPECT_EQ(status(kPayer, elsewhere), TxStatus::kNoSuchService);
}

TEST_F(Channels, OpenNeedsAnActiveOffer) {
  EXPECT_EQ(status(kHost, WithdrawOffer{w.offer}), TxStatus::kOk);
  EXPECT_EQ(status(kPayer, w.terms()), TxStatus::kNotPlaced);
}

TEST_F(Channels, OpenRefusesTermsOutOfRange) {
  EXPECT_EQ(status(kPayer, w.terms(Amount(10'000'000), Epoch(0))), TxStatus::kBadChannelTerms);
  EXPECT_EQ(status(kPayer, w.terms(Amount(10'000'000), Epoch(20 * 4 + 1))), TxStatus::kBadChannelTerms);
  EXPECT_EQ(status(kPayer, w.terms(Amount(10'000'000), Epoch(20 * 4))), TxStatus::kOk);
  EXPECT_EQ(status(kPayer, w.terms(Amount(10'000'000), Epoch(20), 0)), TxStatus::kBadChannelTerms);
  EXPECT_EQ(status(kPayer, w.terms(Amount(10'000'000), Epoch(20), 17)), TxStatus::kBadChannelTerms);
}

TEST_F(Channels, OpenNeedsADepositWorthClaiming) {
  const Amount least = *least_deposit(w.genesis.params, w.channel(id)->terms, 2);
  EXPECT_EQ(status(kPayer, w.terms(Amount(least.micro - 1), Epoch(20), 2)), TxStatus::kDepositTooSmall);
  EXPECT_EQ(status(kPayer, w.terms(least, Epoch(20), 2)), TxStatus::kOk);
  EXPECT_EQ(status(kPayer, w.terms(Amount(5'000'000'000))), TxStatus::kInsufficientFunds);
}

TEST_F(Channels, EscrowAdmitsOnlyLotsThatOutliveEverything) {
  // Lots of the genesis end at 120; end + 2D + Q + 1 = end + 9.
  w.to_epoch(36);
  EXPECT_EQ(status(kPayer, w.terms(Amount(10'000'000), Epoch(112))), TxStatus::kEscrowExpiry);
  EXPECT_EQ(status(kPayer, w.terms(Amount(10'000'000), Epoch(111))), TxStatus::kOk);
}

TEST_F(Channels, TopUpAddsButNeverMovesTheEnd) {
  const Epoch end = w.channel(id)->end;
  EXPECT_EQ(status(kPayer, TopUpChannel{id, Amount(5)}), TxStatus::kOk);
  EXPECT_EQ(w.channel(id)->deposit, Amount(10'000'005));
  EXPECT_EQ(w.channel(id)->end, end);
  EXPECT_EQ(status(kPayer, TopUpChannel{id, Amount(0)}), TxStatus::kZeroAmount);
  EXPECT_EQ(status(kStranger, TopUpChannel{id, Amount(5)}), TxStatus::kNotPayer);
  EXPECT_EQ(status(kPayer, TopUpChannel{{}, Amount(5)}), TxStatus::kNoSuchChannel);
  w.to_epoch(20);
  EXPECT_EQ(status(kPayer, TopUpChannel{id, Amount(5)}), TxStatus::kTooLate);
}

TEST_F(Channels, TopUpIsRefusedOnceClosingIsRequested) {
  EXPECT_EQ(status(kPayer, RequestClose{id}), TxStatus::kOk);
  EXPECT_EQ(status(kPayer, TopUpChannel{id, Amount(5)}), TxStatus::kChannelClosing);
  EXPECT_EQ(status(kPayer, RequestClose{id}), TxStatus::kChannelClosing);
}

TEST_F(Channels, OnlyThePayerRequestsTheClose) {
  EXPECT_EQ(status(kHost, RequestClose{id}), TxStatus::kNotPayer);
}

// --- claims ---

TEST_F(Channels, ClaimBurnsHoldsAndPaysItsFeeFromTheProceeds) {
  const Amount host_before = w.live(kHost);
  // 10 calls of π = 100,000 and 50,000 of base fee. Burned: 50,000 + 5 % of 1,000,000. Host: 70 % of the rest.
  const TxReceipt receipt = w.apply(kHost, w.claim(id, {0, 10, Amount(1'050'000), Amount(50'000)}));
  ASSERT_EQ(receipt.status, TxStatus::kOk) << tx_status_text(receipt.status);
  const auto& claimed = std::get<event::Claimed>(receipt.events.at(0));
  EXPECT_EQ(claimed.burned, Amount(100'000));
  EXPECT_EQ(claimed.to_host.micro, 665'000 - receipt.fee.micro);
  EXPECT_EQ(claimed.to_owner, Amount(285'000));
  EXPECT_TRUE(claimed.held);
  EXPECT_EQ(claimed.host_owner, person(kHost));
  EXPECT_EQ(claimed.owner, person(kOwner));
  EXPECT_EQ(w.live(kHost), host_before) << "held, and the fee was not the sender's";
  EXPECT_EQ(live_total(w.channel(id)->held, w.lots()).micro, 950'000 - receipt.fee.micro);
}

TEST_F(Channels, HeldProceedsMatureStrictlyAfterD) {
  const Amount host_before = w.live(kHost), owner_before = w.live(kOwner);
  const TxReceipt receipt = w.apply(kHost, w.claim(id, {0, 10, Amount(1'050'000), Amount(50'000)}));
  w.to_epoch(2);
  EXPECT_EQ(status(kStranger, Finalize{id}), TxStatus::kTooEarly);
  w.to_epoch(3);
  const TxReceipt released = w.apply(kStranger, Finalize{id});
  ASSERT_EQ(released.status, TxStatus::kOk);
  const auto& proceeds = std::get<event::ProceedsReleased>(released.events.at(0));
  EXPECT_EQ(proceeds.host_owner, person(kHost)) << "so that the history of who is paid shows it";
  EXPECT_EQ(proceeds.owner, person(kOwner));
  EXPECT_EQ(w.live(kHost).micro, host_before.micro + 665'000 - receipt.fee.micro);
  EXPECT_EQ(w.live(kOwner).micro, owner_before.micro + 285'000);
  EXPECT_EQ(w.channel(id)->state, ChannelState::kOpen);
}

TEST_F(Channels, ProceedsHaveAFreshLife) {
  ASSERT_EQ(status(kHost, w.claim(id, {0, 10, Amount(1'050'000), Amount(50'000)})), TxStatus::kOk);
  w.to_epoch(9);
  ASSERT_EQ(status(kStranger, Finalize{id}), TxStatus::kOk);
  EXPECT_NE(find_lot(w.account(kOwner).purse, Epoch(132), LotClass::kToken), nullptr);  // ceil₄(9 + 120)
}

TEST_F(Channels, ClaimRefusesWhatWasNotPromised) {
  const LaneTotal good{0, 10, Amount(1'050'000), Amount(50'000)};
  Claim c = w.claim(id, good);
  c.lanes[0].voucher.cum = Amount(9'000'000);
  EXPECT_EQ(status(kHost, w.sign(c)), TxStatus::kBadVoucher);
  c = w.claim(id, good);
  c.host_signature.data[0] ^= 1;
  EXPECT_EQ(status(kHost, c), TxStatus::kBadHostSignature);
  c = w.claim(id, good);
  c.lanes[0] = w.lane_claim(id, good, Amount(1'049'999));
  EXPECT_EQ(status(kHost, w.sign(c)), TxStatus::kOverVoucher);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 10, Amount(1'050'001), Amount(50'000)})), TxStatus::kOverPrice);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 200, Amount(10'000'001), Amount(0)})), TxStatus::kOverDeposit);
  EXPECT_EQ(status(kHost, w.claim(id, {1, 1, Amount(100'000), Amount(0)})), TxStatus::kBadVoucher);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 0, Amount(0), Amount(0)})), TxStatus::kNothingToClaim);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 1, Amount(500), Amount(0)})), TxStatus::kBelowClaimFee);
  EXPECT_EQ(status(kHost, w.claim({}, good)), TxStatus::kNoSuchChannel);
  Claim none;
  none.channel = id;
  EXPECT_EQ(status(kHost, w.sign(none)), TxStatus::kNothingToClaim);
}

TEST_F(Channels, VouchersOfAnotherLaneChannelOrChainAreWorthless) {
  const ChannelId wide = w.open(w.terms(Amount(10'000'000), Epoch(20), 2));
  const LaneTotal total{0, 10, Amount(1'000'000), Amount(0)};
  Claim c = w.claim(id, total);
  c.channel = wide;
  EXPECT_EQ(status(kHost, w.sign(c)), TxStatus::kBadVoucher);
  c.lanes[0].voucher.channel = wide;
  EXPECT_EQ(status(kHost, w.sign(c)), TxStatus::kBadVoucher);
  c = w.claim(wide, total);
  c.lanes[0].voucher.lane = 1;
  EXPECT_EQ(status(kHost, w.sign(c)), TxStatus::kBadVoucher);
  c = w.claim(wide, total);
  c.host_signature = w.node_key.sign(claim_hash(ChainId{}, wide, c.lanes));
  EXPECT_EQ(status(kHost, c), TxStatus::kBadHostSignature);
}

TEST_F(Channels, ClaimsAreMonotoneAndPathIndependent) {
  const ChannelId twin = w.open();
  ASSERT_EQ(status(kHost, w.claim(id, {0, 3, Amount(300'007), Amount(7)})), TxStatus::kOk);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 3, Amount(300'007), Amount(7)})), TxStatus::kNothingToClaim);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 4, Amount(200'000), Amount(7)})), TxStatus::kNotMonotone);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 4, Amount(400'000), Amount(6)})), TxStatus::kNotMonotone);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 3, Amount(300'008), Amount(8)})), TxStatus::kNotMonotone);
  ASSERT_EQ(status(kHost, w.claim(id, {0, 9, Amount(900'019), Amount(19)})), TxStatus::kOk);
  ASSERT_EQ(status(kHost, w.claim(twin, {0, 9, Amount(900'019), Amount(19)})), TxStatus::kOk);
  const auto escrow = [&](const ChannelId& c) { return live_total(w.channel(c)->escrow, w.lots()); };
  EXPECT_EQ(escrow(id), escrow(twin));
}

TEST_F(Channels, ClaimsEndWithTheDeadlineInclusive) {
  w.to_epoch(22);  // end 20 + D
  EXPECT_EQ(status(kHost, w.claim(id, {0, 1, Amount(100'000), Amount(0)})), TxStatus::kOk);
  EXPECT_EQ(status(kStranger, Finalize{id}), TxStatus::kTooEarly);
  w.to_epoch(23);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 2, Amount(200'000), Amount(0)})), TxStatus::kTooLate);
  EXPECT_EQ(status(kPayer, RequestClose{id}), TxStatus::kTooLate);
  EXPECT_EQ(status(kStranger, Finalize{id}), TxStatus::kOk);
}

TEST_F(Channels, ACloseRequestShortensTheDeadline) {
  w.to_epoch(5);
  ASSERT_EQ(status(kPayer, RequestClose{id}), TxStatus::kOk);
  w.to_epoch(7);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 1, Amount(100'000), Amount(0)})), TxStatus::kOk);
  w.to_epoch(8);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 2, Amount(200'000), Amount(0)})), TxStatus::kTooLate);
}

TEST_F(Channels, AWithdrawnOfferAndAnEndedPlacementEndTheChannel) {
  w.to_epoch(4);
  ASSERT_EQ(status(kHost, WithdrawOffer{w.offer}), TxStatus::kOk);  // serves until 6
  w.to_epoch(8);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 1, Amount(100'000), Amount(0)})), TxStatus::kOk);
  w.to_epoch(9);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 2, Amount(200'000), Amount(0)})), TxStatus::kTooLate);
  ChannelWorld drained;
  const ChannelId other = drained.open();
  drained.place(Epoch(3));
  drained.to_epoch(5);
  EXPECT_EQ(drained.apply(kHost, drained.claim(other, {0, 1, Amount(100'000), Amount(0)})).status, TxStatus::kOk);
  drained.to_epoch(6);
  EXPECT_EQ(drained.apply(kHost, drained.claim(other, {0, 2, Amount(200'000), Amount(0)})).status, TxStatus::kTooLate);
}

// A placement made anew after a break serves new channels; those of before keep the end they had.
TEST_F(Channels, APlacementMadeAnewOpensNoDeadlineAgain) {
  const auto placed_again = [&](Epoch ended, Epoch again) {
    PlacementRecord p{w.version, w.service, {}, {}, {}};
    p.hosts.push_back({w.node, w.offer, Epoch(0), ended, 1});
    p.hosts.push_back({w.node, w.offer, again, Epoch(0), 2});
    w.put(path::placement(w.version), encode(p));
  };
  placed_again(Epoch(3), Epoch(7));
  EXPECT_EQ((*read_channel(w.state, id))->end_eff, Epoch(3));
  w.to_epoch(6);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 1, Amount(100'000), Amount(0)})), TxStatus::kTooLate);
  EXPECT_EQ(status(kPayer, TopUpChannel{id, Amount(5)}), TxStatus::kTooLate);
  w.to_epoch(7);
  const ChannelId fresh = w.open();
  EXPECT_EQ((*read_channel(w.state, fresh))->end_eff, Epoch(20));
  EXPECT_EQ(status(kStranger, Finalize{id}), TxStatus::kOk);
}

TEST_F(Channels, PlacementsThatTouchAreOneService) {
  PlacementRecord p{w.version, w.service, {}, {}, {}};
  p.hosts.push_back({w.node, w.offer, Epoch(0), Epoch(3), 1});
  p.hosts.push_back({w.node, w.offer, Epoch(3), Epoch(0), 2});
  w.put(path::placement(w.version), encode(p));
  EXPECT_EQ((*read_channel(w.state, id))->end_eff, Epoch(20));
  p.hosts[1].end = Epoch(9);
  w.put(path::placement(w.version), encode(p));
  EXPECT_EQ((*read_channel(w.state, id))->end_eff, Epoch(9));
  EXPECT_EQ(status(kPayer, w.terms()), TxStatus::kNotPlaced);
}

// --- ends ---

TEST_F(Channels, FinalizeRefundsTheOriginalLotsAndIsPrepaid) {
  const Purse before = w.account(kPayer).purse;
  const Amount prepaid = w.channel(id)->prepaid;
  w.to_epoch(23);
  const Amount stranger = w.live(kStranger);
  const TxReceipt receipt = w.apply(kStranger, Finalize{id});
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_EQ(w.live(kStranger), stranger);
  EXPECT_EQ(receipt.fee, prepaid);
  EXPECT_FALSE(w.channel(id)) << "nothing was claimed, so nothing is left to dispute";
  EXPECT_EQ(total(w.account(kPayer).purse, live_tokens(w.lots())).micro,
            total(before, live_tokens(w.lots())).micro + 10'000'000);
  EXPECT_EQ(w.account(kPayer).purse.lots.size(), 1U);
}

TEST_F(Channels, AClaimedChannelStaysUntilNobodyCanDispute) {
  w.to_epoch(22);
  ASSERT_EQ(status(kHost, w.claim(id, {0, 5, Amount(500'000), Amount(0)})), TxStatus::kOk);
  w.to_epoch(23);
  ASSERT_EQ(status(kStranger, Finalize{id}), TxStatus::kOk);
  EXPECT_EQ(w.channel(id)->state, ChannelState::kClosed);
  EXPECT_EQ(status(kStranger, Finalize{id}), TxStatus::kTooEarly);
  EXPECT_EQ(status(kHost, w.claim(id, {0, 6, Amount(600'000), Amount(0)})), TxStatus::kChannelClosed);
  EXPECT_EQ(status(kPayer, RequestClose{id}), TxStatus::kChannelClosed);
  EXPECT_EQ(status(kPayer, TopUpChannel{id, Amount(1)}), TxStatus::kChannelClosed);
  w.to_epoch(25);
  const Amount host = w.live(kHost);
  ASSERT_EQ(status(kStranger, Finalize{id}), TxStatus::kOk);
  EXPECT_FALSE(w.channel(id));
  EXPECT_GT(w.live(kHost), host);
}

TEST_F(Channels, ALateFinalizeHandsOverWhatHasExpired) {
  ASSERT_EQ(status(kHost, w.claim(id, {0, 5, Amount(500'000), Amount(0)})), TxStatus::kOk);
  w.to_epoch(9);
  ASSERT_EQ(status(kStranger, Finalize{id}), TxStatus::kOk);  // the owner's part lives until 132
  ASSERT_EQ(status(kHost, w.claim(id, {0, 9, Amount(900'000), Amount(0)})), TxStatus::kOk);
  w.to_epoch(125);  // the lots of the genesis ended at 120
  const Amount payer = grace_total(w.account(kPayer).purse, w.lots());
  const Amount host = grace_total(w.account(kHost).purse, w.lots());
  ASSERT_EQ(status(kOwner, Finalize{id}), TxStatus::kOk);
  EXPECT_FALSE(w.channel(id));
  EXPECT_EQ(grace_total(w.account(kPayer).purse, w.lots()).micro,
            payer.micro + 9'100'000 + finalize_fee(w.genesis.params).micro);
  EXPECT_GT(grace_total(w.account(kHost).purse, w.lots()), host);
}

TEST_F(Channels, CoopCloseReleasesAtOnce) {
  ASSERT_EQ(status(kHost, w.claim(id, {0, 5, Amount(500'000), Amount(0)})), TxStatus::kOk);
  const Amount host = w.live(kHost), owner = w.live(kOwner), payer = w.live(kPayer);
  const CoopClose close = w.close(id, {{0, 8, Amount(800'000), Amount(0)}}, Epoch(3));
  EXPECT_EQ(status(kHost, close), TxStatus::kNotPayer);
  CoopClose forged = close;
  forged.totals[0].cum_charged = Amount(500'000);
  EXPECT_EQ(status(kPayer, forged), TxStatus::kBadHostSignature);
  const Amount host_fee(w.live(kHost).micro - host.micro);
  const Amount payer_now = w.live(kPayer);
  const TxReceipt receipt = w.apply(kPayer, close);
  ASSERT_EQ(receipt.status, TxStatus::kOk);
  EXPECT_FALSE(w.channel(id));
  // (800,000 − 40,000) in 70 : 30, the claim's fee and the host's failed attempt apart.
  EXPECT_EQ(w.live(kOwner).micro - owner.micro, 228'000U);
  EXPECT_LT(w.live(kHost).micro - host.micro - host_fee.micro, 532'000U);
  EXPECT_EQ(w.live(kPayer).micro,
            payer_now.micro - receipt.fee.micro + 9'200'000 + finalize_fee(w.genesis.params).micro);
  static_cast<void>(payer);
  EXPECT_EQ(status(kPayer, close), TxStatus::kNoSuchChannel);
}

TEST_F(Channels, CoopCloseHasADeadline) {
  const CoopClose close = w.close(id, {}, Epoch(3));
  w.to_epoch(4);
  EXPECT_EQ(status(kPayer, close), TxStatus::kTooLate);
  EXPECT_EQ(status(kPayer, w.close(id, {}, Epoch(4))), TxStatus::kOk);
}

// --- what a provider reads ---

TEST_F(Channels, AreListedByHostWithTheirRealEnd) {
  const ChannelId second = w.open(w.terms(Amount(10'000'000), Epoch(30)));
  EXPECT_TRUE(channels_of_host(w.state, NodeId{})->empty());
  ASSERT_EQ(channels_of_host(w.state, w.node)->size(), 2U);
  EXPECT_EQ((*read_channel(w.state, second))->end_eff, Epoch(30));
  w.place(Epoch(25));
  EXPECT_EQ((*read_channel(w.state, second))->end_eff, Epoch(25));
  EXPECT_EQ((*read_channel(w.state, id))->end_eff, Epoch(20));
  w.to_epoch(1);
  ASSERT_EQ(status(kHost, WithdrawOffer{w.offer}), TxStatus::kOk);
  EXPECT_EQ((*read_channel(w.state, id))->end_eff, Epoch(3));
}

// --- session keys ---

struct Sessions : Channels {
  static constexpr std::uint64_t kKey = 800;
  GrantSessionKey grant{
      test::person_key(kKey).public_key(), Epoch(50), ChannelWorld::kPrice, Amount(25'000'000), 10, {}};
  void accept() { ASSERT_EQ(status(kPayer, grant), TxStatus::kOk); }
};

TEST_F(Sessions, OpenAndGrowChannelsOfTheirOwnerWithinTheWindow) {
  accept();
  const TxReceipt opened = w.apply(kKey, w.terms());
  ASSERT_EQ(opened.status, TxStatus::kOk) << tx_status_text(opened.status);
  const ChannelId mine = std::get<event::ChannelOpened>(opened.events.at(0)).channel;
  EXPECT_EQ(w.channel(mine)->payer, person(kPayer));
  EXPECT_EQ(status(kKey, TopUpChannel{mine, Amount(14'000'000)}), TxStatus::kOk);
  EXPECT_EQ(status(kKey, TopUpChannel{mine, Amount(1'000'000)}), TxStatus::kSessionCap);
  EXPECT_EQ(status(kKey, w.terms()), TxStatus::kSessionCap);
  w.to_epoch(10);
  EXPECT_EQ(status(kKey, TopUpChannel{mine, Amount(1'000'000)}), TxStatus::kOk) << "a new window";
  EXPECT_EQ(status(kKey, RequestClose{mine}), TxStatus::kOk);
  EXPECT_EQ(status(kKey, w.close(mine, {}, Epoch(40))), TxStatus::kOk);
}

TEST_F(Sessions, ServeOnlyTheServicesTheyWereGrantedFor) {
  grant.services.push_back(sha256(encode(std::uint64_t{1})).as<ServiceId>());
  accept();
  EXPECT_EQ(status(kKey, w.terms()), TxStatus::kSessionService);
  EXPECT_EQ(status(kKey, RequestClose{id}), TxStatus::kSessionService);
}

TEST_F(Sessions, AreNotForServicesAboveTheirCapOfOneCall) {
  grant.per_call_cap = Amount(ChannelWorld::kPrice.micro - 1);
  accept();
  EXPECT_EQ(status(kKey, w.terms()), TxStatus::kSessionCap);
}

}  // namespace
}  // namespace micro
