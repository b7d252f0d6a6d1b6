#include "chain/placement/rendezvous.hpp"

#include <algorithm>
#include <bit>
#include <set>

#include "chain/base/checked_math.hpp"
#include "chain/crypto/hash.hpp"

namespace micro {
namespace {

struct Scored {
  std::uint32_t index = 0;
  std::uint64_t weight = 0;
  std::uint64_t ell = 0;
  const NodeId* node = nullptr;
};

// w_i/ℓ_i > w_j/ℓ_j without dividing.
bool beats(const Scored& a, const Scored& b) {
  const u128 left = static_cast<u128>(a.weight) * b.ell;
  const u128 right = static_cast<u128>(b.weight) * a.ell;
  return left != right ? left > right : *a.node < *b.node;
}

}  // namespace

std::uint64_t neg_log2_q32(std::uint64_t h) {
  if (h == 0) h = 1;
  const auto whole = static_cast<std::uint64_t>(std::bit_width(h) - 1);
  std::uint64_t mantissa = h << (63 - whole);  // in [1, 2) with 63 fraction bits
  std::uint64_t fraction = 0;
  for (int bit = 0; bit < 32; ++bit) {
    const u128 square = static_cast<u128>(mantissa) * mantissa;  // in [1, 4) with 126
    const bool two_or_more = (square >> 127) != 0;
    fraction = fraction << 1 | (two_or_more ? 1 : 0);
    mantissa = static_cast<std::uint64_t>(square >> (two_or_more ? 64 : 63));
  }
  return (64ULL << 32) - (whole << 32 | fraction);
}

std::uint64_t rendezvous_hash(const Hash& salt, const NodeId& node) {
  const Hash hash = tagged_hash(domain::kRendezvous, {salt.view(), node.view()});
  std::uint64_t out = 0;
  for (std::size_t i = 8; i-- > 0;) out = out << 8 | hash.data[i];
  return out;
}

std::vector<std::uint32_t> rank_hosts(const Hash& salt, std::span<const RendezvousHost> hosts, std::size_t count) {
  std::vector<Scored> scored;
  scored.reserve(hosts.size());
  for (std::uint32_t i = 0; i < hosts.size(); ++i) {
    if (hosts[i].weight == 0) continue;
    scored.push_back({i, hosts[i].weight, neg_log2_q32(rendezvous_hash(salt, hosts[i].node)), &hosts[i].node});
  }
  std::ranges::sort(scored, beats);
  std::set<std::uint32_t> clusters;
  std::vector<const Scored*> picked;
  std::vector<const Scored*> others;
  for (const Scored& s : scored) {
    if (picked.size() == count) break;
    (clusters.insert(hosts[s.index].cluster).second ? picked : others).push_back(&s);
  }
  for (const Scored* s : others) {
    if (picked.size() >= count) break;
    picked.push_back(s);
  }
  std::ranges::sort(picked, [](const Scored* a, const Scored* b) { return beats(*a, *b); });
  std::vector<std::uint32_t> out;
  for (const Scored* s : picked) out.push_back(s->index);
  return out;
}

}  // namespace micro
