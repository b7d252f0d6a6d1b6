#include "consensus/core/certificate.hpp"

#include <algorithm>

#include "chain/types/amount.hpp"
#include "consensus/core/rules.hpp"

namespace micro {
namespace {

std::unexpected<Error> wrong(std::string what) {
  return fail(Fault::kMismatch, "certificate: " + std::move(what));
}

}  // namespace

Status check_validator_set(const ValidatorSet& set) {
  if (set.members.empty()) return fail(Fault::kInvalid, "a validator set is empty");
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < set.members.size(); ++i) {
    const Validator& v = set.members[i];
    if (v.weight == 0) return fail(Fault::kInvalid, "a validator has no weight");
    if (i > 0 && !(set.members[i - 1].key < v.key)) return fail(Fault::kInvalid, "validators are not ascending by key");
    sum = TRY(checked_add(sum, v.weight));
  }
  if (sum > kMaxSupplyMicro) return fail(Fault::kInvalid, "the validators weigh too much together");
  return {};
}

std::uint64_t total_weight(const ValidatorSet& set) {
  std::uint64_t sum = 0;
  for (const Validator& v : set.members) sum += v.weight;
  return sum;
}

std::uint64_t vote_weight(const ValidatorSet& set, std::size_t member) {
  return RULE(kWeights) ? set.members[member].weight : total_weight(set) / set.members.size();
}

bool has_signer(const Certificate& certificate, std::size_t member) {
  return member / 8 < certificate.signers.size() && (certificate.signers[member / 8] >> (member % 8) & 1) != 0;
}

std::uint64_t quorum_weight(const ValidatorSet& set) {
  const std::uint64_t total = total_weight(set);
  const std::uint64_t two_thirds = total / 3 * 2 + total % 3 * 2 / 3;  // without the overflow of 2W
  return RULE(kQuorum) ? two_thirds + 1 : two_thirds;
}

Result<std::vector<std::uint16_t>> check_certificate_shape(const Certificate& certificate, const ValidatorSet& set,
                                                           const Hash& epoch) {
  const Statement& statement = certificate.statement;
  if (RULE(kEpochBound) && statement.epoch_id != epoch) return wrong("made for another chain, epoch or committee");
  if (!is_well_formed(statement)) return wrong("the statement's views or block do not fit its kind");
  const std::size_t n = set.members.size();
  if (certificate.signers.size() != (n + 7) / 8) return wrong("the bitmap has the wrong size");
  for (std::size_t i = n; i < certificate.signers.size() * 8; ++i) {
    if (has_signer(certificate, i)) return wrong("a signer that does not exist");
  }
  std::vector<std::uint16_t> signers;
  std::uint64_t weight = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!has_signer(certificate, i)) continue;
    signers.push_back(static_cast<std::uint16_t>(i));
    weight += vote_weight(set, i);
  }
  if (signers.size() > certificate.signatures.size()) return wrong("a signature is missing");
  if (signers.size() < certificate.signatures.size()) return wrong("more signatures than signers");
  if (weight < quorum_weight(set)) return wrong("the signers are no quorum");
  return signers;
}

Status check_certificate(const Certificate& certificate, const ValidatorSet& set, const Hash& epoch) {
  TRY(check_validator_set(set));
  if (certificate.statement.kind != StatementKind::kFinalize) return wrong("the statement finalizes nothing");
  const auto signers = TRY(check_certificate_shape(certificate, set, epoch));
  const Hash message = statement_hash(certificate.statement);
  for (std::size_t i = 0; i < signers.size(); ++i) {
    const Ed25519Key& key = set.members[signers[i]].key;
    if (!verify_ed25519(key, message, certificate.signatures[i])) {
      return wrong("validator " + key.brief() + " did not sign this");
    }
  }
  return {};
}

Result<Certificate> certify(const Statement& statement, const ValidatorSet& set, std::span<const Ed25519Secret> keys) {
  Certificate out;
  out.statement = statement;
  out.signers.resize((set.members.size() + 7) / 8);
  const Hash message = statement_hash(statement);
  std::size_t used = 0;
  for (std::size_t i = 0; i < set.members.size(); ++i) {
    const auto key = std::ranges::find(keys, set.members[i].key, &Ed25519Secret::public_key);
    if (key == keys.end()) continue;
    out.signers[i / 8] = static_cast<std::uint8_t>(out.signers[i / 8] | 1U << (i % 8));
    out.signatures.push_back(key->sign(message));
    ++used;
  }
  if (used != keys.size()) return fail(Fault::kInvalid, "a key does not belong to the validator set");
  return out;
}

}  // namespace micro
