#include "tests/sim/consensus/light_attack.hpp"

#include <map>

#include "consensus/core/certificate.hpp"
#include "consensus/light/light_client.hpp"

namespace micro::test {
namespace {

struct Boundary {
  Header header;
  Certificate certificate;
  ValidatorSet next;
};

/// What became final, by the first honest node that is up.
std::vector<Boundary> boundaries(Cluster& cluster) {
  std::vector<Boundary> out;
  for (auto& node : cluster.nodes()) {
    if (!node->is_up() || !node->is_honest()) continue;
    const Epoch current = node->ledger().head().epoch;
    for (Epoch e; e < current; e = e.next()) {
      const auto certificate = node->ledger().boundary(e);
      if (!certificate) break;
      const auto block = node->ledger().block(certificate->statement.block);
      if (!block) break;
      out.push_back({block->header, *certificate, cluster.committee(e.next())});
    }
    break;
  }
  return out;
}

/// All members of the set whose keys the attacker has. Those who are not in the day's committee sold theirs.
std::vector<Ed25519Secret> stolen(Cluster& cluster, const ValidatorSet& set, const ValidatorSet& today) {
  std::vector<Ed25519Secret> out;
  for (const auto& node : cluster.nodes()) {
    const auto is_in = [&](const ValidatorSet& s) {
      return std::ranges::find(s.members, node->key(), &Validator::key) != s.members.end();
    };
    const bool is_known = std::ranges::find(out, node->key(), &Ed25519Secret::public_key) != out.end();
    const bool is_stolen = node->behaviour() != Behaviour::kHonest || !is_in(today);
    if (is_in(set) && is_stolen && !is_known && node->secret()) out.push_back(*node->secret());
  }
  return out;
}

class Attack {
 public:
  Attack(Cluster& cluster, RunResult& result, const ChainId& chain, LightClient client, const Boundary& known)
      : cluster_(cluster),
        result_(result),
        chain_(chain),
        client_(std::move(client)),
        known_(known),
        old_(known.next) {}

  void step(const Boundary& truth, const Boundary* after) {
    Boundary lie = truth;
    lie.header.state_root.data[3] ^= 1;
    refuses("another block under the certificate", lie);
    lie.certificate.statement.block = block_id(lie.header);
    refuses("a certificate that names another block", lie);
    lie.certificate = signed_by_thieves(lie.header, known_.next);
    refuses("a block that only liars signed", lie);
    lie.certificate = signed_by_thieves(lie.header, old_);
    refuses("a block that liars and those who left signed", lie);
    lie = truth;
    lie.certificate.statement.kind = StatementKind::kNotarize;
    refuses("a notarization", lie);
    lie = truth;
    std::swap(lie.next.members.front().weight, lie.next.members.back().weight);
    lie.next.members.front().weight += 1;
    refuses("another next committee", lie);
    refuses("the epoch that it has seen", known_);
    if (after != nullptr) refuses("the epoch after the next", *after);
    skips_nothing(truth);
    if (!client_.end_epoch(truth.header, truth.certificate, truth.next)) {
      result_.violations.push_back("a light client refuses the boundary of epoch " + truth.header.epoch.text());
    }
    old_ = std::exchange(known_, truth).next;
  }

 private:
  Certificate signed_by_thieves(const Header& header, const ValidatorSet& set) {
    const Statement statement{StatementKind::kFinalize,
                              epoch_id(chain_, header.epoch, block_id(known_.header), validator_set_hash(set)), View(1),
                              View(0), block_id(header)};
    return certify(statement, set, stolen(cluster_, set, known_.next)).value();
  }
  void refuses(const char* what, const Boundary& lie) {
    LightClient victim = client_;
    ++result_.faults[static_cast<std::size_t>(SimFault::kLightLie)];
    if (!victim.end_epoch(lie.header, lie.certificate, lie.next)) return;
    result_.violations.push_back(std::string("a light client believes ") + what);
  }
  /// A chain that forks off behind what the client knows: the committee of its far epoch are thieves alone, and all of
  /// them sign.
  void skips_nothing(const Boundary& truth) {
    const ValidatorSet all = everybody();
    const std::vector<Ed25519Secret> thieves = stolen(cluster_, all, known_.next);
    if (thieves.empty()) return;
    Skip lie;
    for (const Ed25519Secret& thief : thieves) lie.set.members.push_back({thief.public_key(), 1});
    std::ranges::sort(lie.set.members, {}, &Validator::key);
    lie.before = truth.header;
    lie.before.next_validators = validator_set_hash(lie.set);
    lie.header = truth.header;
    lie.header.epoch = lie.before.epoch.next();
    lie.header.height = Height(lie.before.height.value + 1 + lie.before.height.value % 3);
    lie.header.time = TimeMs(lie.before.time.value + 1);
    lie.next = lie.set;
    lie.header.next_validators = lie.before.next_validators;
    lie.proof = claims_to_be_above(lie.before, lie.header);
    const Statement statement{StatementKind::kFinalize,
                              epoch_id(chain_, lie.header.epoch, block_id(lie.before), validator_set_hash(lie.set)),
                              View(1), View(0), block_id(lie.header)};
    lie.certificate = certify(statement, lie.set, thieves).value();
    LightClient victim = client_;
    ++result_.faults[static_cast<std::size_t>(SimFault::kLightLie)];
    const auto reach = victim.skip(lie, {lie.header.time, kTrustMs, 0});
    if (!reach) {
      // Everything but the weight of who signed is as it should be: else this lie would prove nothing.
      result_.violations.push_back("a light client refuses a skip for another reason: " + reach.error().message);
    } else if (*reach == Reach::kTaken) {
      result_.violations.push_back("a light client skips to a committee of thieves");
    }
  }
  ValidatorSet everybody() {
    ValidatorSet out;
    for (const auto& node : cluster_.nodes()) out.members.push_back({node->key(), 1});
    return out;
  }
  /// Gives the header a root under which `below` lies.
  static MmrProof claims_to_be_above(const Header& below, Header& above) {
    MmrPeaks peaks;
    std::map<MmrPlace, Hash> nodes;
    const auto sink = [&](const MmrPlace& place, const Hash& hash) { nodes[place] = hash; };
    for (std::uint64_t height = 0; height < above.height.value; ++height) {
      peaks.append(height == below.height.value ? block_id(below) : BlockId{}, sink);
    }
    above.headers_root = peaks.root();
    return mmr_prove(below.height.value, above.height.value,
                     [&](const MmrPlace& place) -> Result<Hash> { return nodes.at(place); })
        .value();
  }

  static constexpr std::uint64_t kTrustMs = 1'000'000'000'000;
  Cluster& cluster_;
  RunResult& result_;
  ChainId chain_;
  LightClient client_;
  Boundary known_;    ///< the newest
  ValidatorSet old_;  ///< the committee before the newest
};

}  // namespace

void attack_light_client(Cluster& cluster, RunResult& result) {
  const auto chain = boundaries(cluster);
  if (chain.size() < 2) return;
  const ChainId id = [&] {
    for (auto& node : cluster.nodes()) {
      if (node->is_up()) return node->ledger().head().chain;
    }
    return ChainId{};
  }();
  auto client = LightClient::from_checkpoint(id, chain[0].header, chain[0].next);
  if (!client) {
    result.violations.push_back("a light client refuses its checkpoint: " + client.error().message);
    return;
  }
  Attack attack(cluster, result, id, std::move(*client), chain[0]);
  for (std::size_t i = 1; i < chain.size(); ++i) {
    attack.step(chain[i], i + 1 < chain.size() ? &chain[i + 1] : nullptr);
  }
}

}  // namespace micro::test
