// Any sequence of what payer, host, owner and a stranger may do with channels, whoever of them is the same person,
// against the model in plain numbers. After every transaction: each person's tokens, each channel, the bond and the
// supply agree.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include "chain/execution/holders.hpp"
#include "tests/gen/chain/channel_world.hpp"
#include "tests/prop/chain/execution/channel_model.hpp"

namespace micro {
namespace {

using model::Int;
using model::Lane;
using test::ChannelWorld;
using test::Roles;

constexpr std::size_t kPeople = 4;
constexpr std::uint32_t kLastEpoch = 90;  // the lots of the genesis end at 120

std::uint64_t pick(std::uint64_t low, std::uint64_t high) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::uint64_t>(low, high + 1));
}

struct Play {
  ChannelWorld w;
  model::Model m;
  std::vector<ChannelId> ids;

  explicit Play(Roles roles) : w(roles, kPeople) {
    m.payer = roles.payer;
    m.host = roles.host;
    m.owner = roles.owner;
    for (std::size_t i = 0; i < kPeople; ++i) m.money[i] = w.live(i).micro;
    m.bond = w.bond().micro;
    m.burned = static_cast<Int>(w.supply().burned.value());
  }

  /// Sends it and checks the verdict. Whoever fails, and whoever pays for itself, loses the fee.
  TxReceipt send(std::size_t sender, Payload payload, bool expected, bool settles_its_fee) {
    const TxReceipt receipt = w.apply(sender, std::move(payload));
    RC_LOG() << "sender " << sender << ": " << tx_status_text(receipt.status) << "\n";
    RC_ASSERT((receipt.status == TxStatus::kOk) == expected);
    if (!expected || !settles_its_fee) {
      m.money[sender] -= receipt.fee.micro;
      m.burn(receipt.fee.micro);
    }
    return receipt;
  }
  /// The fee a transaction of this sender will have, to tell the model before.
  Int fee_of(std::size_t sender, const Payload& payload) const {
    return tx_fee(w.genesis.params, tx_size(w.make(sender, payload))).micro;
  }

  void open() {
    const auto lanes = static_cast<std::uint8_t>(pick(1, 3));
    const Amount deposit(pick(100'000, 20'000'000));
    const Epoch end(w.epoch().value + static_cast<std::uint32_t>(pick(1, 15)));
    const bool serving = !m.offer_end && !m.placement_end;
    const TxReceipt receipt = send(m.payer, w.terms(deposit, end, lanes), serving, false);
    if (!serving) return;
    ids.push_back(std::get<event::ChannelOpened>(receipt.events.at(0)).channel);
    model::Channel c;
    c.deposit = deposit.micro;
    c.prepaid = finalize_fee(w.genesis.params).micro;
    c.escrow = c.deposit + c.prepaid;
    c.end = end.value;
    c.lanes.resize(lanes);
    m.money[m.payer] -= c.escrow;
    m.channels.push_back(c);
  }

  void top_up(std::size_t at) {
    model::Channel& c = m.channels[at];
    const Amount more(pick(1, 3'000'000));
    const bool ok = !c.gone && !c.closing && !c.closed && m.now < m.end_of(c);
    send(m.payer, TopUpChannel{ids[at], more}, ok, false);
    if (!ok) return;
    c.deposit += more.micro;
    c.escrow += more.micro;
    m.money[m.payer] -= more.micro;
  }

  /// Totals that are mostly honest, of some of the channel's lanes.
  std::vector<std::pair<std::size_t, Lane>> any_totals(const model::Channel& c) {
    std::vector<std::pair<std::size_t, Lane>> totals;
    for (std::size_t i = 0; i < c.lanes.size(); ++i) {
      if (i > 0 && pick(0, 1) == 0) continue;
      Lane l = c.lanes[i];
      const Int calls = static_cast<Int>(pick(0, 12));
      const Int base = static_cast<Int>(pick(0, 30'000));
      l.seq += calls;
      l.base += base;
      l.charged += base + calls * static_cast<Int>(pick(0, 100'000));
      if (pick(0, 9) == 0) l.charged += static_cast<Int>(pick(0, 2'000'000)) - 1'000'000;
      if (pick(0, 19) == 0) l.seq += static_cast<Int>(pick(0, 2)) - 1;
      l.charged = std::max<Int>(l.charged, 0);
      l.seq = std::max<Int>(l.seq, 0);
      totals.emplace_back(i, l);
    }
    return totals;
  }
  static LaneTotal total_of(std::size_t i, const Lane& l) {
    return {static_cast<std::uint8_t>(i), static_cast<std::uint64_t>(l.seq),
            Amount(static_cast<std::uint64_t>(l.charged)), Amount(static_cast<std::uint64_t>(l.base))};
  }

  void claim(std::size_t at) {
    const auto totals = any_totals(m.channels[at]);
    const bool short_promise = pick(0, 19) == 0;
    Claim c;
    c.channel = ids[at];
    bool promised = true;
    for (const auto& [i, l] : totals) {
      const LaneTotal t = total_of(i, l);
      const std::uint64_t less = short_promise && t.cum_charged.micro > 0 ? 1 : 0;
      promised = promised && less == 0;
      c.lanes.push_back(w.lane_claim(ids[at], t, Amount(t.cum_charged.micro - less)));
    }
    const Payload payload = w.sign(c);
    const std::size_t sender = pick(0, kPeople - 1);
    const Int before = m.money[sender];
    const bool ok = m.claim(m.channels[at], totals, promised, fee_of(sender, payload));
    static_cast<void>(before);
    send(sender, payload, ok, true);
  }

  void close(std::size_t at) {
    const auto totals = any_totals(m.channels[at]);
    std::vector<LaneTotal> list;
    for (const auto& [i, l] : totals) list.push_back(total_of(i, l));
    const Payload payload = w.close(ids[at], list, Epoch(w.epoch().value + 1));
    const bool ok = m.close(m.channels[at], totals);
    send(m.payer, payload, ok, false);
  }

  void request_close(std::size_t at) {
    model::Channel& c = m.channels[at];
    const bool ok = !c.gone && !c.closing && !c.closed && m.now <= m.claims_until(c);
    send(m.payer, RequestClose{ids[at]}, ok, false);
    if (!ok) return;
    c.closing = true;
    c.asked = m.now;
  }

  void finalize(std::size_t at) {
    const std::size_t sender = pick(0, kPeople - 1);
    const bool ok = m.finalize(m.channels[at], sender, fee_of(sender, Finalize{ids[at]}));
    send(sender, Finalize{ids[at]}, ok, true);
  }

  void dispute(std::size_t at) {
    model::Channel& c = m.channels[at];
    const std::size_t lane = pick(0, c.lanes.size() - 1);
    Lane truth = c.lanes[lane];
    truth.seq = std::max<Int>(0, truth.seq + static_cast<Int>(pick(0, 4)) - 2);
    truth.charged = std::max<Int>(0, truth.charged + static_cast<Int>(pick(0, 400'000)) - 200'000);
    truth.base = std::max<Int>(0, truth.base + static_cast<Int>(pick(0, 40'000)) - 20'000);
    const Payload payload = w.dispute(ids[at], total_of(lane, truth));
    const std::size_t sender = pick(0, kPeople - 1);
    const bool ok = m.dispute(c, sender, lane, truth, fee_of(sender, payload));
    send(sender, payload, ok, false);
  }

  void step() {
    const std::uint64_t what = pick(0, 29);
    if (what == 0 && !m.placement_end) {
      m.placement_end = m.now + static_cast<Int>(pick(1, 4));
      return w.place(Epoch(static_cast<std::uint32_t>(*m.placement_end)));
    }
    if (what == 1) {
      const bool ok = !m.offer_end;
      send(m.host, WithdrawOffer{w.offer}, ok, false);
      if (ok) m.offer_end = m.now + model::Model::kDrain;
      return;
    }
    if (what <= 6) {
      RC_ASSERT(w.end_epoch().has_value());
      m.now += 1;
      return;
    }
    if (ids.empty() || what <= 8) return open();
    const std::size_t at = pick(0, ids.size() - 1);
    if (what <= 16) return claim(at);
    if (what <= 18) return top_up(at);
    if (what <= 21) return finalize(at);
    if (what <= 25) return dispute(at);
    if (what <= 27) return request_close(at);
    close(at);
  }

  void compare() const {
    for (std::size_t i = 0; i < kPeople; ++i) RC_ASSERT(w.live(i).micro == static_cast<std::uint64_t>(m.money[i]));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto record = w.channel(ids[i]);
      const model::Channel& c = m.channels[i];
      RC_ASSERT(record.has_value() == !c.gone);
      if (!record) continue;
      Int held = 0;
      for (const model::Held& h : c.held) held += h.host + h.owner;
      RC_ASSERT(live_total(record->escrow, w.lots()).micro == static_cast<std::uint64_t>(c.escrow));
      RC_ASSERT(live_total(record->held, w.lots()).micro == static_cast<std::uint64_t>(held));
      for (std::size_t l = 0; l < c.lanes.size(); ++l) {
        RC_ASSERT(record->lanes[l].cum_charged.micro == static_cast<std::uint64_t>(c.lanes[l].charged));
      }
    }
    RC_ASSERT(w.bond().micro == static_cast<std::uint64_t>(m.bond));
    RC_ASSERT(w.supply().burned.value() == static_cast<u128>(m.burned));
  }

  /// I3, summed in full: what all purses hold is what the supply counts, bucket by bucket.
  void full_sum() const {
    std::map<std::uint32_t, std::uint64_t> live;
    std::uint64_t paused = 0;
    for (const Module module : purse_modules()) {
      w.state.scan(module, [&](const StatePath&, ByteView bytes) {
        RC_ASSERT(for_each_purse(module, bytes, [&](const Purse& purse, bool is_paused) {
                    for (const Lot& lot : purse.lots) {
                      if (is_paused) {
                        paused += lot.amount.micro;
                      } else if (phase_of(lot.expiry, w.lots()) == LotPhase::kLive) {
                        live[lot.expiry.value] += lot.amount.micro;
                      }
                    }
                  }).has_value());
        return true;
      });
    }
    const Supply supply = w.supply();
    RC_ASSERT(paused == supply.paused.micro);
    std::map<std::uint32_t, std::uint64_t> counted;
    for (const BucketTotal& b : supply.live) counted[b.expiry.value] = b.amount.micro;
    RC_ASSERT(live == counted);
  }
};

RC_GTEST_PROP(Channels, AgreeWithTheModelWhoeverIsWho, ()) {
  const Roles roles{pick(0, 2), pick(0, 2), pick(0, 2)};
  Play play(roles);
  const std::uint64_t steps = pick(10, 60);
  for (std::uint64_t i = 0; i < steps && play.m.now < kLastEpoch; ++i) {
    if (play.m.offer_end && play.m.now >= *play.m.offer_end + 5) break;  // the bond goes back then
    play.step();
    play.compare();
  }
  play.full_sum();
  // Wealth never grows, and a fresh life is never cheaper through a channel than by refreshing (1 %).
  RC_ASSERT(play.m.burned_by_claims * 100 >= play.m.renewed);
}

}  // namespace
}  // namespace micro
