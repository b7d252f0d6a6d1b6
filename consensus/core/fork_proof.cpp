#include "consensus/core/fork_proof.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "consensus/core/certificate.hpp"

namespace micro::simplex {
namespace {

/// What all certificates of a proof are checked against.
struct Committee {
  const ValidatorSet& set;
  Hash epoch;
};

std::string_view kind_name(StatementKind kind) {
  if (kind == StatementKind::kNotarize) return "notarization";
  return kind == StatementKind::kNullify ? "nullification" : "finalization";
}

Status check(const Certificate& certificate, const Committee& committee) {
  const Statement& s = certificate.statement;
  const auto place = [&](const Error& error) {
    return fail(Fault::kMismatch,
                "the " + std::string(kind_name(s.kind)) + " of view " + s.view.text() + ": " + error.message);
  };
  const auto signers = check_certificate_shape(certificate, committee.set, committee.epoch);
  if (!signers) return place(signers.error());
  const Hash message = statement_hash(s);
  for (std::size_t i = 0; i < signers->size(); ++i) {
    const Ed25519Key& key = committee.set.members[(*signers)[i]].key;
    if (verify_ed25519(key, message, certificate.signatures[i])) continue;
    return place({Fault::kMismatch, "validator " + key.brief() + " did not sign this", {}});
  }
  return {};
}

const Certificate* find(const ForkBranch& branch, View view, bool nullified) {
  const auto found = std::ranges::find_if(branch.justification, [&](const Certificate& c) {
    return c.statement.view == view && (c.statement.kind == StatementKind::kNullify) == nullified;
  });
  return found == branch.justification.end() ? nullptr : &*found;
}

std::unexpected<Error> missing(const char* what, View view) {
  return fail(Fault::kNotFound, std::string("the ") + what + " of view " + view.text() + " is not in the proof",
              "bring the whole justification of the finalization with the higher view");
}

/// The certificate of the higher branch that nobody may sign who finalized in `low`: of another proposal in that view,
/// or the view's nullification, over which the branch passed.
Result<const Certificate*> rival_of(View low, const ForkBranch& high, const Committee& committee) {
  const Certificate* at = &high.finalization;
  while (at->statement.view > low && at->statement.parent_view >= low) {
    const View below = at->statement.parent_view;
    const Certificate* next = find(high, below, false);
    if (next == nullptr) return missing("notarization", below);
    TRY(check(*next, committee));
    at = next;
  }
  if (at->statement.view == low) return at;
  const Certificate* skipped = find(high, low, true);
  if (skipped == nullptr) return missing("nullification", low);
  TRY(check(*skipped, committee));
  return skipped;
}

Judgement convict(const Certificate& a, const Certificate& b, const ValidatorSet& set) {
  Judgement out;
  out.first = a.statement;
  out.second = b.statement;
  out.total = total_weight(set);
  std::size_t in_a = 0;
  std::size_t in_b = 0;
  for (std::size_t i = 0; i < set.members.size(); ++i) {
    const bool signed_a = has_signer(a, i);
    const bool signed_b = has_signer(b, i);
    if (signed_a && signed_b) {
      out.guilty.push_back({set.members[i].key, set.members[i].weight, a.signatures[in_a], b.signatures[in_b]});
      out.weight += set.members[i].weight;
    }
    in_a += signed_a ? 1 : 0;
    in_b += signed_b ? 1 : 0;
  }
  return out;
}

const Certificate* last_finalization(const EpochWitness& witness) {
  const Certificate* out = nullptr;
  for (const Certificate& c : witness.certificates) {
    if (c.statement.kind != StatementKind::kFinalize) continue;
    if (out == nullptr || c.statement.view > out->statement.view) out = &c;
  }
  return out;
}

/// Whether the branch of `high` passes through what `low` finalized.
Result<bool> builds_on(const Certificate& low, const ForkBranch& high) {
  const View view = low.statement.view;
  const Certificate* at = &high.finalization;
  while (at->statement.view > view && at->statement.parent_view >= view) {
    const View below = at->statement.parent_view;
    at = find(high, below, false);
    if (at == nullptr) return missing("notarization", below);
    // Nothing of this is checked yet: without falling views the way would never end.
    if (!is_well_formed(at->statement)) {
      return fail(Fault::kMismatch, "the certificate of view " + below.text() + " says nothing that can be signed");
    }
  }
  return at->statement.view == view && at->statement.block == low.statement.block &&
         at->statement.parent_view == low.statement.parent_view;
}

}  // namespace

Result<std::optional<ForkProof>> find_fork(const EpochWitness& a, const EpochWitness& b) {
  if (a.chain != b.chain || a.epoch != b.epoch || a.last_of_previous != b.last_of_previous || a.set != b.set) {
    return fail(Fault::kMismatch, "epoch " + a.epoch.text() + " did not begin alike on both");
  }
  const Certificate* const last_a = last_finalization(a);
  const Certificate* const last_b = last_finalization(b);
  if (last_a == nullptr || last_b == nullptr) return std::optional<ForkProof>{};
  const bool in_order = last_a->statement.view <= last_b->statement.view;
  const Certificate& low = in_order ? *last_a : *last_b;
  const Certificate& high = in_order ? *last_b : *last_a;
  // A nullification is as good from the other; a view's block is not, which may be of the other's own branch.
  std::vector<Certificate> kept = in_order ? b.certificates : a.certificates;
  std::ranges::copy_if(in_order ? a.certificates : b.certificates, std::back_inserter(kept),
                       [](const Certificate& c) { return c.statement.kind == StatementKind::kNullify; });
  ForkProof out{1, a.chain, a.epoch, a.last_of_previous, a.set, {low, {}}, branch_of(high, kept, low.statement.view)};
  if (TRY(builds_on(low, out.second))) return std::optional<ForkProof>{};
  TRY(judge_fork(out));
  return std::optional(std::move(out));
}

Result<ForkProof> decode_fork_proof(ByteView bytes) {
  if (bytes.size() > kMaxForkProofBytes) return fail(Fault::kLimit, "a proof of a fork is not so long");
  auto proof = decode<ForkProof>(bytes);
  if (!proof) return fail(Fault::kInvalid, "these bytes are no proof of a fork: " + proof.error().message);
  if (proof->version != 1) return fail(Fault::kInvalid, "a proof of a fork of another version");
  return proof;
}

ForkBranch branch_of(const Certificate& finalization, std::span<const Certificate> kept, View down_to) {
  std::map<View, const Certificate*> certified;
  std::map<View, const Certificate*> nullified;
  for (const Certificate& c : kept) {
    (c.statement.kind == StatementKind::kNullify ? nullified : certified).try_emplace(c.statement.view, &c);
  }
  ForkBranch out{finalization, {}};
  const Certificate* at = &finalization;
  while (at != nullptr && at->statement.view > down_to && out.justification.size() < kMaxForkCertificates) {
    const View below = at->statement.parent_view;
    const View from = std::max(below.next(), down_to);
    for (auto it = nullified.lower_bound(from); it != nullified.end() && it->first < at->statement.view; ++it) {
      if (out.justification.size() < kMaxForkCertificates) out.justification.push_back(*it->second);
    }
    const auto parent = certified.find(below);
    at = below >= down_to && parent != certified.end() ? parent->second : nullptr;
    if (at != nullptr && out.justification.size() < kMaxForkCertificates) out.justification.push_back(*at);
  }
  return out;
}

Result<Judgement> judge_fork(const ForkProof& proof) {
  TRY(check_validator_set(proof.set));
  const Committee committee{proof.set,
                            epoch_id(proof.chain, proof.epoch, proof.last_of_previous, validator_set_hash(proof.set))};
  for (const ForkBranch* branch : {&proof.first, &proof.second}) {
    if (branch->finalization.statement.kind != StatementKind::kFinalize) {
      return fail(Fault::kInvalid, "a branch of the proof ends in no finalization");
    }
    TRY(check(branch->finalization, committee));
  }
  const bool in_order = proof.first.finalization.statement.view <= proof.second.finalization.statement.view;
  const ForkBranch& low = in_order ? proof.first : proof.second;
  const ForkBranch& high = in_order ? proof.second : proof.first;
  const Certificate* rival = TRY(rival_of(low.finalization.statement.view, high, committee));
  if (!contradict(low.finalization.statement, rival->statement)) {
    return fail(Fault::kInvalid, "the two finalizations do not exclude each other: one builds on the other",
                "nobody is guilty of anything by these certificates");
  }
  return convict(low.finalization, *rival, proof.set);
}

}  // namespace micro::simplex
