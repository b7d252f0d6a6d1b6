// Channels in plain numbers: no lots, no records, no shared code with the rules. Slow, short and obvious.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace micro::model {

using Int = __int128;

struct Lane {
  Int seq = 0, charged = 0, base = 0;
};
struct Held {
  Int epoch = 0, host = 0, owner = 0;
};
struct Channel {
  Int deposit = 0, escrow = 0, prepaid = 0, end = 0;
  bool closing = false, closed = false, gone = false;
  Int asked = 0;
  std::optional<Int> disputed;
  std::vector<Lane> lanes;
  std::vector<Held> held;
};

struct Settled {
  bool ok = false;
  Int charged = 0, burned = 0, host = 0, owner = 0;
};

class Model {
 public:
  static constexpr Int kPrice = 100'000, kD = 2, kDrain = 2, kMinBond = 10'000'000;
  std::size_t payer = 0, host = 1, owner = 2;
  std::array<Int, 4> money{};
  Int bond = 0, burned = 0, renewed = 0, burned_by_claims = 0, now = 0;
  std::optional<Int> offer_end, placement_end;
  std::vector<Channel> channels;

  [[nodiscard]] Int end_of(const Channel& c) const {
    Int end = c.end;
    if (offer_end) end = std::min(end, *offer_end);
    if (placement_end) end = std::min(end, *placement_end);
    return end;
  }
  [[nodiscard]] Int claims_until(const Channel& c) const {
    Int last = end_of(c) + kD;
    if (c.closing && !c.closed) last = std::min(last, c.asked + kD);
    if (c.disputed) last = std::min(last, *c.disputed);
    return last;
  }
  [[nodiscard]] Int disputes_until(const Channel& c) const { return claims_until(c) + kD; }

  static Int burned_of(const Lane& l) { return l.base + ((l.charged - l.base) * 5 + 99) / 100; }

  static Settled settle(const Channel& c, const std::vector<std::pair<std::size_t, Lane>>& totals) {
    Settled s;
    Int before = 0;
    for (const Lane& l : c.lanes) before += l.charged;
    for (const auto& [i, t] : totals) {
      if (i >= c.lanes.size()) return {};
      const Lane& o = c.lanes[i];
      const Int more = t.charged - o.charged;
      if (t.seq < o.seq || more < 0 || t.base < o.base || t.base > t.charged || t.base - o.base > more) return {};
      if (t.seq == o.seq && more != 0) return {};
      if (t.charged - t.base > t.seq * kPrice) return {};
      const Int burn = burned_of(t) - burned_of(o);
      const Int host = (more - burn) * 7 / 10;
      s.charged += more;
      s.burned += burn;
      s.host += host;
      s.owner += more - burn - host;
    }
    s.ok = before + s.charged <= c.deposit;
    return s;
  }

  void burn(Int amount) { burned += amount; }
  void pay(const Held& h) {
    money[host] += h.host;
    money[owner] += h.owner;
    renewed += h.host + h.owner;
  }
  Held release(Channel& c, bool all) const {
    Held sum;
    std::erase_if(c.held, [&](const Held& h) {
      if (!all && now <= h.epoch + kD) return false;
      sum.host += h.host;
      sum.owner += h.owner;
      return true;
    });
    return sum;
  }

  bool claim(Channel& c, const std::vector<std::pair<std::size_t, Lane>>& totals, bool promised, Int fee) {
    if (c.gone || c.closed || c.disputed || now > claims_until(c) || !promised) return false;
    const Settled s = settle(c, totals);
    if (!s.ok || s.charged == 0 || s.host < fee) return false;
    pay(release(c, false));
    c.escrow -= s.charged;
    burn(s.burned + fee);
    burned_by_claims += s.burned;
    for (const auto& [i, t] : totals) c.lanes[i] = t;
    if (!c.held.empty() && (c.held.back().epoch == now || c.held.size() == 4)) {
      c.held.back() = {now, c.held.back().host + s.host - fee, c.held.back().owner + s.owner};
    } else {
      c.held.push_back({now, s.host - fee, s.owner});
    }
    return true;
  }

  bool close(Channel& c, const std::vector<std::pair<std::size_t, Lane>>& totals) {
    if (c.gone || c.closed || c.disputed || now > claims_until(c)) return false;
    const Settled s = settle(c, totals);
    if (!s.ok) return false;
    pay(release(c, true));
    pay({now, s.host, s.owner});
    burn(s.burned);
    burned_by_claims += s.burned;
    money[payer] += c.escrow - s.charged;
    c.escrow = 0;
    c.gone = true;
    return true;
  }

  bool finalize(Channel& c, std::size_t sender, Int fee) {
    if (c.gone) return false;
    Int claimed = 0;
    for (const Lane& l : c.lanes) claimed += l.charged;
    const bool refund = !c.closed && now > claims_until(c);
    const bool last = now > disputes_until(c) || (refund && claimed == 0);
    Held due = release(c, last);
    if (!refund && !last && due.host == 0 && due.owner == 0) return false;
    burn(fee);
    if (refund && c.prepaid >= fee) {
      c.escrow -= fee;
    } else if (last && due.host >= fee) {
      due.host -= fee;
    } else {
      money[sender] -= fee;
    }
    pay(due);
    if (refund || last) {
      money[payer] += c.escrow;
      c.escrow = c.prepaid = 0;
      c.closed = true;
    }
    c.gone = last;
    return true;
  }

  bool dispute(Channel& c, std::size_t sender, std::size_t lane, const Lane& truth, Int fee) {
    if (c.gone || now > disputes_until(c) || lane >= c.lanes.size()) return false;
    Lane& l = c.lanes[lane];
    const Int over = truth.seq >= l.seq && truth.charged < l.charged ? l.charged - truth.charged : 0;
    const Int hidden = truth.seq <= l.seq && truth.base > l.base ? truth.base - l.base : 0;
    if (over == 0 && hidden == 0) return false;
    const auto from_held = [&](Int want) {
      Int left = want;
      for (std::size_t i = c.held.size(); i-- > 0;) {
        for (Int* part : {&c.held[i].host, &c.held[i].owner}) {
          const Int x = std::min(left, *part);
          *part -= x;
          left -= x;
        }
      }
      return want - left;
    };
    const auto from_bond = [&](Int want) {
      const Int x = std::min(want, bond);
      bond -= x;
      return x;
    };
    const Int bond_before = bond;
    Int x = from_held(over);
    money[payer] += x + from_bond(over - x);
    x = from_held(fee);
    money[sender] += x + from_bond(fee - x);
    x = from_held(hidden);
    burn(x + from_bond(hidden - x));
    burn(from_bond(10 * (over + hidden)));
    l.charged -= over;
    l.base += hidden;
    if (!c.disputed) c.disputed = now;
    if (!c.closing && !c.closed) {
      c.closing = true;
      c.asked = now;
    }
    if (bond < bond_before && bond < kMinBond && !offer_end) offer_end = now + kDrain;
    return true;
  }
};

}  // namespace micro::model
