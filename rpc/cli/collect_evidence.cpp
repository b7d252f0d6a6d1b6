#include "rpc/cli/collect_evidence.hpp"

#include <map>

#include "consensus/core/records.hpp"
#include "consensus/journal/justification_log.hpp"

namespace micro {
namespace {

namespace fs = std::filesystem;

using KeptEpochs = std::map<Epoch, simplex::EpochWitness>;

/// The certificates in the journal of what a node signed: its newest finalization is only there.
void add_journal(const fs::path& folder, KeptEpochs& kept) {
  for (auto& [epoch, witness] : kept) {
    const auto records = read_epoch_log(folder.string(), epoch);
    if (!records) continue;  // the proofs stand without it
    for (const Bytes& bytes : *records) {
      const auto record = decode<simplex::Record>(bytes);
      if (!record) continue;
      if (const auto* held = std::get_if<simplex::Held>(&*record)) witness.certificates.push_back(held->certificate);
    }
  }
}

Result<KeptEpochs> kept_in(const fs::path& folder) {
  std::error_code none;
  const bool is_data = fs::is_directory(folder / "proofs", none);
  KeptEpochs out;
  for (Justifications& kept : TRY(read_justifications((is_data ? folder / "proofs" : folder).string()))) {
    const JustifiedEpoch& head = kept.head;
    // What ended an epoch is with the one that followed it.
    if (const auto before = out.find(Epoch(head.epoch.value - 1)); before != out.end() && head.ended_previous) {
      before->second.certificates.push_back(*head.ended_previous);
    }
    out[head.epoch] = {head.chain, head.epoch, head.last_of_previous, head.set, std::move(kept.certificates)};
  }
  if (is_data) add_journal(folder / "journal", out);
  if (out.empty()) {
    return fail(Fault::kNotFound, folder.string() + " holds no proofs",
                "name a node's data folder, or a copy of the folder named proofs in it");
  }
  return out;
}

/// The first fork of two nodes. `compared`: the epochs of which both kept anything, until they part.
Result<std::optional<simplex::ForkProof>> fork_of(const KeptEpochs& a, const KeptEpochs& b, std::size_t& compared) {
  for (const auto& [epoch, witness] : a) {
    const auto other = b.find(epoch);
    if (other == b.end()) continue;
    auto fork = simplex::find_fork(witness, other->second);
    if (!fork && fork.error().fault == Fault::kMismatch && compared > 0) break;
    if (!fork) return fork;
    ++compared;
    if (*fork) return fork;
  }
  return std::optional<simplex::ForkProof>{};
}

}  // namespace

Result<simplex::ForkProof> find_fork_in(const std::vector<fs::path>& folders) {
  std::vector<KeptEpochs> all;
  for (const fs::path& folder : folders) all.push_back(TRY(kept_in(folder)));
  std::size_t compared = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      if (auto fork = TRY(fork_of(all[i], all[j], compared))) return *std::move(fork);
    }
  }
  return fail(Fault::kNotFound,
              "no fork: the nodes agree in all " + std::to_string(compared) + " epochs of which both kept anything",
              "a fork of older epochs can be proven from older copies only");
}

}  // namespace micro
