// Anything may happen to a node's connections, in any order: who connects, answers, fails, leaves, is banned, spends,
// comes twice. Input: steps of four bytes. Accepted: nobody was turned away. Whatever happens, no limit is exceeded.
#include <map>

#include "p2p/peers/budgets.hpp"
#include "p2p/peers/gater.hpp"
#include "p2p/peers/lanes.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/gen/p2p/addresses.hpp"

namespace micro::test {
namespace {

using namespace p2p;
using p2p::test::address_in_group;
using p2p::test::peer;

constexpr ManagerLimits kSmall{.full_outbound = 3, .block_only_outbound = 2, .inbound = 4};
constexpr std::size_t kMaxSteps = 200;

class Node {
 public:
  Node() : random_(1), source_(addresses(), random_), manager_(kSmall, peer(0), random_), gater_({}), budgets_({}) {}

  /// False where somebody was turned away.
  bool step(std::uint8_t what, std::uint8_t who, std::uint8_t where, std::uint8_t then) {
    now_ = now_.plus_ms(then * 50ULL);
    const PeerId with = peer(who % 16U);
    const Multiaddr at = address_in_group(where % 10U, who);
    switch (what % 10) {
      case 0:
        return come(with, at, Direction::kInbound);
      case 1:
        return come(with, at, Direction::kOutbound);
      case 2:
        for (auto& effect : manager_.step(source_, [&](const auto& one) { return may_dial(one); }, now_)) {
          CHECK(effect.kind == ManagerEffect::Kind::kDial && !effect.addresses.empty(), "a dial has an address");
          if (dials_.size() < kMaxSteps) dials_.push_back(std::move(effect));
        }
        return true;
      case 3:
        return answer(then % 2 == 0);
      case 4:
        leave(where);
        return true;
      case 5:
        manager_.protect(with, "fuzz");
        return manager_.add_static(with, {at}).has_value();
      case 6:
        manager_.unprotect(with, "fuzz");
        return true;
      case 7:
        gater_.ban(with, now_);
        return true;
      case 8:
        budgets_.charge(with, {.bytes = std::uint64_t{where} << (then % 24), .cpu_ns = then * 1'000ULL}, now_);
        (void)budgets_.peer_ready_at(with, manager_.is_protected(with), now_);
        return true;
      default:
        tell();
        return true;
    }
  }

  void check() const {
    std::map<PeerId, std::size_t> of_peer;
    std::size_t firsts = 0;
    const auto views = manager_.connections(now_);
    for (const ConnectionView& view : views) {
      CHECK(++of_peer[view.peer] <= kSmall.connections_per_peer, "two connections a peer");
      firsts += view.slot != Slot::kSecond ? 1 : 0;
      CHECK(ours_.contains(view.connection), "no connection that was closed");
    }
    CHECK(views.size() == ours_.size() && firsts >= of_peer.size(), "each peer has a first one");
    CHECK(manager_.count(Slot::kInbound) <= kSmall.inbound, "inbound");
    CHECK(manager_.count(Slot::kFull) <= kSmall.full_outbound, "outbound");
    CHECK(manager_.count(Slot::kBlockOnly) <= kSmall.block_only_outbound, "block-only");
    CHECK(manager_.peers().size() <= kMaxRememberedPeers && budgets_.peers() <= kMaxBudgetedPeers, "bounded memory");
    CHECK(gater_.handshakes() == 0, "each handshake has ended");
  }

 private:
  static std::vector<PeerAddress> addresses() {
    std::vector<PeerAddress> out;
    for (std::uint64_t n = 1; n < 16; ++n) {
      out.push_back({peer(n), address_in_group(static_cast<std::uint32_t>(n % 10), static_cast<std::uint32_t>(n))});
    }
    return out;
  }
  bool may_dial(const Multiaddr& address) { return gater_.may_dial(address, now_).has_value(); }

  bool come(const PeerId& with, const Multiaddr& at, Direction direction) {
    const auto ip = IpAddress::of(at);
    CHECK(ip.has_value(), "it has one");
    if (direction == Direction::kInbound) {
      if (!gater_.accept(*ip, now_)) return false;
      gater_.secured(*ip);
      gater_.closed(*ip, true);
    }
    if (!gater_.may_talk(with, now_)) return false;
    const auto also = manager_.connected(++ids_, {with, at}, direction, source_, now_);
    if (!also) return false;
    ours_[ids_] = {with, direction};
    closed(*also);
    return true;
  }
  bool answer(bool worked) {
    if (dials_.empty()) return true;
    const ManagerEffect dial = dials_.back();
    dials_.pop_back();
    if (worked) return come(dial.peer, dial.addresses.front(), Direction::kOutbound);
    manager_.dial_failed(dial.peer, source_, now_);
    return true;
  }
  void leave(std::size_t which) {
    if (ours_.empty()) return;
    const auto at = std::next(ours_.begin(), static_cast<std::ptrdiff_t>(which % ours_.size()));
    const ConnectionId id = at->first;
    ours_.erase(at);
    closed(manager_.disconnected(id, {.fault = Fault::kUnreachable, .message = "left"}, now_));
  }
  void closed(const std::vector<ManagerEffect>& effects) {
    for (const ManagerEffect& effect : effects) CHECK(ours_.erase(effect.connection) == 1, "it was open");
  }
  // What else the shell reports, and the choice of a lane among what is there.
  void tell() {
    for (const auto& [id, one] : ours_) {
      manager_.on_round_trip(id, id * 1'000);
      manager_.on_useful(id, now_);
      manager_.on_identified(one.first, "agent");
      std::vector<LaneConnection> lanes;
      for (const auto& [other, with] : ours_) {
        if (with.first == one.first) lanes.push_back({.id = other, .dialed = with.second == Direction::kOutbound});
      }
      const LaneStep step = lane_step(lanes, peer(0), one.first);
      CHECK(step.kind != LaneStep::Kind::kNone && ours_.contains(step.connection), "somebody is to act");
      CHECK(lane_for(lanes, StreamClass::kBulk).has_value(), "bulk has somewhere to go");
    }
  }

  SeededRandom random_;
  p2p::test::ListedAddresses source_;
  Manager manager_;
  Gater gater_;
  Budgets budgets_;
  std::vector<ManagerEffect> dials_;
  std::map<ConnectionId, std::pair<PeerId, Direction>> ours_;
  ConnectionId ids_ = 0;
  Instant now_{1};
};

}  // namespace

bool fuzz(ByteView input) {
  Node node;
  bool all_welcome = true;
  for (std::size_t n = 0; n < kMaxSteps && input.size() >= 4; ++n, input = input.subspan(4)) {
    all_welcome = node.step(input[0], input[1], input[2], input[3]) && all_welcome;
    node.check();
  }
  return all_welcome;
}

std::vector<Bytes> fuzz_seeds() {
  std::vector<Bytes> seeds;
  for (std::uint8_t order = 0; order < 6; ++order) {
    Bytes seed;
    for (std::uint8_t n = 1; n < 5; ++n) {
      for (const Bytes& step : {Bytes{0, n, static_cast<std::uint8_t>(n + order), 200}, Bytes{2, 0, 0, 200},
                                Bytes{3, 0, 0, static_cast<std::uint8_t>(2 * order + 1)}, Bytes{9, n, 0, 100},
                                Bytes{8, n, 255, static_cast<std::uint8_t>(20 + order)}, Bytes{4, 0, order, 255}}) {
        seed.insert(seed.end(), step.begin(), step.end());
      }
    }
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

}  // namespace micro::test
