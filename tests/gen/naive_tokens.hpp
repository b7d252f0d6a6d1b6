// Tokens as a person would keep them on paper: a sorted list of (expiry, class, amount) a holder, each rule written in
// its plainest form. The executor is compared with it; it shares no code with chain/economy.
#pragma once

#include <cstdint>
#include <map>

#include "chain/types/purse.hpp"

namespace micro::test {

struct NaiveTime {
  std::uint64_t now = 0;
  std::uint64_t q = 1;
  [[nodiscard]] std::uint64_t life() const { return 30 * q; }
  [[nodiscard]] std::uint64_t fresh() const { return (now + life() + q - 1) / q * q; }
};

struct NaivePurse {
  std::map<std::pair<std::uint64_t, int>, std::uint64_t> lots;

  static NaivePurse of(const Purse& purse) {
    NaivePurse out;
    for (const Lot& l : purse.lots) out.lots[{l.expiry.value, static_cast<int>(l.cls)}] += l.amount.micro;
    return out;
  }
  void add(std::uint64_t expiry, int cls, std::uint64_t amount) {
    if (amount > 0) lots[{expiry, cls}] += amount;
  }
  [[nodiscard]] std::uint64_t live(const NaiveTime& t, bool tokens_only = false) const {
    std::uint64_t sum = 0;
    for (const auto& [key, amount] : lots) {
      if (key.first > t.now && (!tokens_only || key.second == 1)) sum += amount;
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t grace(const NaiveTime& t) const {
    std::uint64_t sum = 0;
    for (const auto& [key, amount] : lots) {
      if (key.first <= t.now && key.first + t.life() > t.now) sum += amount;
    }
    return sum;
  }
  /// One token after the other, the next to expire first.
  NaivePurse take(const NaiveTime& t, std::uint64_t amount, bool tokens_only = false) {
    NaivePurse out;
    for (auto it = lots.begin(); it != lots.end() && amount > 0;) {
      const bool takes = it->first.first > t.now && (!tokens_only || it->first.second == 1);
      const std::uint64_t part = takes ? (it->second < amount ? it->second : amount) : 0;
      if (part > 0) out.lots[it->first] = part;
      amount -= part;
      it->second -= part;
      it = it->second == 0 ? lots.erase(it) : std::next(it);
    }
    return out;
  }
  void put(const NaivePurse& other) {
    for (const auto& [key, amount] : other.lots) lots[key] += amount;
  }
  /// What counts: lots past their grace are nothing.
  [[nodiscard]] NaivePurse masked(const NaiveTime& t) const {
    NaivePurse out;
    for (const auto& [key, amount] : lots) {
      if (key.first + t.life() > t.now) out.lots[key] = amount;
    }
    return out;
  }
  bool operator==(const NaivePurse&) const = default;
};

/// Whole percent in steps of a millionth: 1 % before the expiry, then up to 50 % at the end of grace; rounded up.
inline std::uint64_t naive_refresh_fee(std::uint64_t amount, std::uint64_t expiry, const NaiveTime& t) {
  const std::uint64_t age = t.now > expiry ? t.now - expiry : 0;
  const std::uint64_t ppm = 10'000 + 490'000 * age / t.life();
  std::uint64_t fee = amount / 1'000'000 * ppm;  // whole tokens first, so that nothing overflows
  const std::uint64_t rest = amount % 1'000'000 * ppm;
  fee += rest / 1'000'000 + (rest % 1'000'000 != 0 ? 1 : 0);
  return fee;
}

}  // namespace micro::test
