#include "consensus/journal/justification_log.hpp"

namespace micro {
namespace {

using JustificationRecord = std::variant<JustifiedEpoch, Certificate>;

std::pair<View, bool> place_of(const Certificate& c) {
  return {c.statement.view, c.statement.kind == StatementKind::kNullify};
}

/// A record that is none is left out: nothing depends on it.
std::optional<Justifications> justifications_in(const std::vector<Bytes>& records) {
  std::optional<Justifications> out;
  for (const Bytes& bytes : records) {
    auto record = decode<JustificationRecord>(bytes);
    if (!record) continue;
    if (auto* head = std::get_if<JustifiedEpoch>(&*record); head != nullptr && !out) out.emplace().head = *head;
    if (auto* c = std::get_if<Certificate>(&*record); c != nullptr && out) out->certificates.push_back(std::move(*c));
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<JustificationLog>> JustificationLog::open(const std::string& folder, const ChainId& chain,
                                                                 std::uint64_t budget_bytes) {
  auto log = TRY(EpochLog::open(folder, chain, budget_bytes));  // a return from within `new` would leak
  return std::unique_ptr<JustificationLog>(new JustificationLog(std::move(log)));
}

Status JustificationLog::begin(const JustifiedEpoch& head, Epoch answerable_from) {
  const auto kept = justifications_in(TRY(log_.begin(head.epoch, answerable_from)));
  kept_.clear();
  if (!kept) {
    if (!TRY(log_.append(encode(JustificationRecord(head))))) ++not_kept_;
    return log_.sync();
  }
  for (const Certificate& c : kept->certificates) kept_.insert(place_of(c));
  return {};
}

Status JustificationLog::keep(const Certificate& certificate) {
  if (kept_.contains(place_of(certificate))) return {};
  if (TRY(log_.append(encode(JustificationRecord(certificate))))) {
    kept_.insert(place_of(certificate));
  } else {
    ++not_kept_;
  }
  return {};
}

Result<std::vector<Certificate>> JustificationLog::read(Epoch epoch) const {
  auto kept = justifications_in(TRY(log_.read(epoch)));
  return kept ? std::move(kept->certificates) : std::vector<Certificate>{};
}

Result<std::vector<Justifications>> read_justifications(const std::string& folder) {
  std::vector<Justifications> out;
  for (const Epoch epoch : TRY(epochs_of_log(folder))) {
    const auto records = read_epoch_log(folder, epoch);
    if (!records && records.error().fault == Fault::kIo) return std::unexpected(records.error());
    auto kept = records ? justifications_in(*records) : std::nullopt;
    if (kept) out.push_back(*std::move(kept));
  }
  return out;
}

}  // namespace micro
