// A chain of boundary blocks only, whose committee may change with each: headers, certificates and proofs as a light
// client is fed with. Nothing is executed.
#pragma once

#include <algorithm>
#include <map>

#include "consensus/core/certificate.hpp"
#include "consensus/light/light_client.hpp"

namespace micro::test {

inline constexpr std::uint64_t kStart = 1'767'225'600'000;
inline constexpr std::uint64_t kEpochMs = 1'000;
inline constexpr std::uint64_t kDriftMs = 5'000;

inline Ed25519Secret member_secret(std::uint16_t member) {
  Hash seed;
  seed.data[0] = static_cast<std::uint8_t>(member);
  seed.data[1] = static_cast<std::uint8_t>(member >> 8);
  seed.data[2] = 1;
  return Ed25519Secret::from_seed(seed);
}

inline ValidatorSet committee(const std::vector<std::uint16_t>& members) {
  ValidatorSet out;
  for (const std::uint16_t m : members) out.members.push_back({member_secret(m).public_key(), 1});
  std::ranges::sort(out.members, {}, &Validator::key);
  return out;
}

/// One boundary block an epoch, signed by its whole committee.
class BoundaryChain {
 public:
  /// `committees[e]` is that of epoch e; the last one is only named.
  explicit BoundaryChain(std::vector<std::vector<std::uint16_t>> committees) : committees_(std::move(committees)) {
    chain_.data.fill(0x33);
    Header genesis;
    genesis.boundary = true;  // as good as any block that names a committee
    genesis.time = TimeMs(kStart);
    genesis.next_validators = validator_set_hash(committee(committees_[0]));
    append(genesis);
    for (std::size_t e = 0; e + 1 < committees_.size(); ++e) {
      Header header;
      header.epoch = Epoch(static_cast<std::uint32_t>(e + 1));
      header.boundary = true;
      header.next_validators = validator_set_hash(committee(committees_[e + 1]));
      append(header);
    }
  }
  [[nodiscard]] const Header& header(std::size_t height) const { return headers_[height]; }
  [[nodiscard]] ValidatorSet set(std::size_t e) const { return committee(committees_[e]); }
  [[nodiscard]] const ChainId& id() const { return chain_; }
  [[nodiscard]] LightClient client() const { return LightClient::from_checkpoint(chain_, headers_[0], set(0)).value(); }
  /// Epoch numbers here start at 1: the block of height h ends epoch h.
  [[nodiscard]] Skip step(std::size_t height) const {
    Skip out;
    out.header = headers_[height];
    out.before = headers_[height - 1];
    out.set = set(height - 1);
    out.next = set(height);
    out.proof = proof_of(height - 1, height);
    out.certificate = sign(out, committees_[height - 1]);
    return out;
  }
  /// That block `below` is under block `above`.
  [[nodiscard]] MmrProof proof_of(std::size_t below, std::size_t above) const {
    return mmr_prove(below, above, [&](const MmrPlace& place) -> Result<Hash> { return nodes_.at(place); }).value();
  }
  [[nodiscard]] Certificate sign(const Skip& step, const std::vector<std::uint16_t>& members) const {
    const Statement statement{StatementKind::kFinalize,
                              epoch_id(chain_, step.header.epoch, block_id(step.before), validator_set_hash(step.set)),
                              View(1), View(0), block_id(step.header)};
    std::vector<Ed25519Secret> keys;
    for (const std::uint16_t m : members) keys.push_back(member_secret(m));
    return certify(statement, step.set, keys).value();
  }
  [[nodiscard]] Trust trust(std::size_t height, std::uint64_t period_ms = 1'000'000) const {
    return {headers_[height].time, period_ms, kDriftMs};
  }
  std::size_t follow(LightClient& client, std::size_t to) const {
    const auto fetch = [&](Epoch e) -> Result<Skip> { return step(e.value); };
    return catch_up(client, Epoch(static_cast<std::uint32_t>(to)), fetch, trust(to)).value();
  }

 private:
  void append(Header header) {
    header.height = Height(headers_.size());
    if (!headers_.empty()) {
      header.parent = block_id(headers_.back());
      header.time = TimeMs(headers_.back().time.value + kEpochMs);
    }
    header.headers_root = peaks_.root();
    headers_.push_back(header);
    peaks_.append(block_id(header), [&](const MmrPlace& place, const Hash& hash) { nodes_[place] = hash; });
  }
  std::vector<std::vector<std::uint16_t>> committees_;
  ChainId chain_;
  std::vector<Header> headers_;
  MmrPeaks peaks_;
  std::map<MmrPlace, Hash> nodes_;
};

/// Six seats; each epoch the oldest member leaves and a new one comes.
inline BoundaryChain rotating(std::size_t epochs) {
  std::vector<std::vector<std::uint16_t>> out;
  for (std::size_t e = 0; e <= epochs; ++e) {
    std::vector<std::uint16_t> seats;
    for (std::size_t k = 0; k < 6; ++k) seats.push_back(static_cast<std::uint16_t>(e + k));
    out.push_back(std::move(seats));
  }
  return BoundaryChain(std::move(out));
}

}  // namespace micro::test
