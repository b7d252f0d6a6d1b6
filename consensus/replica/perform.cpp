#include "consensus/replica/perform.hpp"

#include <algorithm>

namespace micro::simplex {
namespace {

/// Faults of a block, whoever executes it. Any other is this node's own.
bool is_the_blocks(Fault fault) {
  return fault == Fault::kInvalid || fault == Fault::kMismatch;
}

Result<std::optional<EpochStart>> epoch_behind(const BlockId& block, Ledger& ledger, const FinalChain& chain) {
  const ChainHead head = TRY(chain.head());
  if (head.id != block || !head.header.boundary) return std::optional<EpochStart>{};
  ValidatorSet set = TRY(ledger.validators(head.epoch));
  return std::optional(EpochStart{head, std::move(set)});
}

MessagePtr message(Epoch epoch, MessageBody body) {
  return std::make_shared<const Message>(Message{kMessageVersion, epoch, std::move(body)});
}

}  // namespace

Event perform(const Build& build, Ledger& ledger) {
  return Built{build.parent, ledger.propose(build.parent, build.time, build.limits)};
}

Event perform(const Execute& execute, Ledger& ledger) {
  const Status done = ledger.execute(*execute.block);
  if (done) return Executed{execute.id, Verdict::kValid, {}};
  if (done.error().fault == Fault::kNotFound) return Executed{execute.id, Verdict::kUnknown, done.error().message};
  if (is_the_blocks(done.error().fault)) return Executed{execute.id, Verdict::kInvalid, done.error().message};
  return Failed{done.error()};
}

Event perform(const Commit& commit, Ledger& ledger, const FinalChain& chain) {
  const Status done = ledger.finalize(commit.block, commit.certificate);
  if (!done && done.error().fault == Fault::kNotFound) return Committed{commit.block, {}, true};
  if (!done) return Failed{done.error()};
  auto next = epoch_behind(commit.block, ledger, chain);
  if (!next) return Failed{next.error()};
  return Committed{commit.block, *std::move(next), false};
}

Event perform(const Check& check) {
  Checked out{check.batch, {}};
  out.holds.reserve(check.items.size());
  for (const CheckItem& item : check.items) {
    const auto is_signed = [](const SignatureCheck& s) { return verify_ed25519(s.key, s.message, s.signature); };
    const auto is_whole = [](const BlockPtr& b) { return txs_root(b->txs) == b->header.txs_root; };
    out.holds.push_back(std::ranges::all_of(item.signatures, is_signed) && std::ranges::all_of(item.bodies, is_whole));
  }
  return out;
}

Result<std::vector<PastEpoch>> past_epochs(const ChainHead& head, const Ledger& ledger, const FinalChain& chain) {
  std::vector<PastEpoch> out;
  const std::uint32_t now = head.epoch.value;
  for (std::uint32_t e = now - std::min<std::uint32_t>(now, kMaxPastEpochs); e < now; ++e) {
    const auto ended = chain.boundary_certificate(Epoch(e));
    auto set = ledger.validators(Epoch(e));
    for (const Fault fault :
         {ended ? Fault::kNotFound : ended.error().fault, set ? Fault::kNotFound : set.error().fault}) {
      if (fault != Fault::kNotFound) return fail(fault, "what ended epoch " + Epoch(e).text() + " cannot be read");
    }
    if (ended && set) out.push_back({Epoch(e), ended->statement.epoch_id, ended->statement.view, *std::move(set)});
  }
  return out;
}

MessagePtr answer(const ServeBlocks& ask, const FinalChain& chain, Epoch epoch) {
  Blocks out;
  std::size_t bytes = 0;
  for (BlockId id = ask.block; out.blocks.size() < kMaxBlocksPerAnswer;) {
    auto block = chain.final_block(id);
    if (!block || block->header.height <= ask.above) break;
    bytes += encode(*block).size();
    if (bytes > kMaxAnswerBytes && !out.blocks.empty()) break;
    id = block->header.parent;
    out.blocks.push_back(*std::move(block));
  }
  return out.blocks.empty() ? nullptr : message(epoch, std::move(out));
}

MessagePtr answer(const ServeBoundary& ask, const FinalChain& chain) {
  auto certificate = chain.boundary_certificate(ask.epoch);
  if (!certificate) return nullptr;
  Certificates out;
  out.certificates.push_back(*std::move(certificate));
  return message(ask.epoch, std::move(out));
}

}  // namespace micro::simplex
