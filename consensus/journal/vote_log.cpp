#include "consensus/journal/vote_log.hpp"

#include <algorithm>

namespace micro {

Result<std::unique_ptr<VoteLog>> VoteLog::open(const std::string& folder, const ChainId& chain,
                                               std::uint64_t budget_bytes) {
  auto log = TRY(EpochLog::open(folder, chain, budget_bytes));  // a return from within `new` would leak
  return std::unique_ptr<VoteLog>(new VoteLog(std::move(log)));
}

std::optional<Epoch> VoteLog::Choice::file_of(std::uint16_t signer) const {
  for (const auto& [file, signers] : by_file) {
    if (signers.test(signer)) return file;
  }
  return std::nullopt;
}

Statement VoteLog::statement_of(const Place& place, const Choice& choice) {
  return {choice.kind, place.first, place.second, choice.parent_view, choice.block};
}

Result<std::vector<VotesInConflict>> VoteLog::begin(Epoch epoch) {
  TRY(flush());
  const Epoch keep_from(epoch.value > kVoteEpochs ? epoch.value - kVoteEpochs : 0);
  const auto records = TRY(log_.begin(epoch, keep_from));
  std::vector<VotesInConflict> out;
  if (!std::exchange(loaded_, true)) {
    for (const Epoch older : log_.older()) {
      const auto kept = log_.read(older);
      if (!kept) continue;  // damaged: nothing depends on it
      for (VotesInConflict& pair : TRY(load(*kept, older))) out.push_back(std::move(pair));
    }
    for (VotesInConflict& pair : TRY(load(records, epoch))) out.push_back(std::move(pair));
  }
  forget_before(keep_from);
  return out;
}

Result<std::vector<VotesInConflict>> VoteLog::load(const std::vector<Bytes>& records, Epoch file) {
  std::vector<VotesInConflict> out;
  for (const Bytes& record : records) {
    const auto group = decode<Group>(record);
    if (!group) continue;
    for (const Signed& one : group->by) {
      const KeptVote vote{group->statement, one.signer, one.signature};
      bool is_new = false;
      const auto earlier = TRY(note(vote, file, is_new));
      if (earlier) out.push_back({*earlier, vote});
    }
  }
  return out;
}

/// Remembers who signed what. `is_new`: it has to be written. The vote that it contradicts, of several the one that is
/// kept the longest.
Result<std::optional<KeptVote>> VoteLog::note(const KeptVote& vote, Epoch file, bool& is_new) {
  std::optional<KeptVote> earlier;
  const Statement& s = vote.statement;
  if (vote.signer >= kMaxValidators || convicted_.contains({s.epoch_id, vote.signer})) return earlier;
  const Place place{s.epoch_id, s.view};
  const auto at = places_.find(place);
  Choice* same = nullptr;
  std::optional<std::pair<Epoch, Statement>> rival;
  if (at != places_.end()) {
    for (Choice& choice : at->second) {
      const Statement known = statement_of(place, choice);
      const auto in = choice.file_of(vote.signer);
      if (known == s) same = &choice;
      if (known == s && in) return earlier;
      if (in && contradict(known, s) && (!rival || rival->first < *in)) rival.emplace(*in, known);
    }
  }
  if (rival) earlier = TRY(find(rival->second, rival->first, vote.signer));
  is_new = add(vote, file, same);
  if (earlier) convicted_[{s.epoch_id, vote.signer}] = rival->first;
  return earlier;
}

/// False, and counted, when there is no room. `same`: the statement's, when it is remembered.
bool VoteLog::add(const KeptVote& vote, Epoch file, Choice* same) {
  const Statement& s = vote.statement;
  if (same == nullptr && choices_ >= kMaxKeptChoices) {
    ++not_kept_;
    return false;
  }
  if (same == nullptr) {
    ++choices_;
    same = &places_[{s.epoch_id, s.view}].emplace_back(Choice{s.kind, s.parent_view, s.block, {}});
  }
  if (same->by_file.empty() || same->by_file.back().first != file) same->by_file.push_back({file, {}});
  same->by_file.back().second.set(vote.signer);
  return true;
}

Result<std::optional<KeptVote>> VoteLog::keep(const KeptVote& vote) {
  bool is_new = false;
  const auto earlier = TRY(note(vote, log_.epoch(), is_new));
  if (!is_new) return earlier;
  // In the order in which they came: whoever reads them again finds the same pairs.
  const bool continues = !unwritten_.empty() && unwritten_.back().statement == vote.statement &&
                         unwritten_.back().by.size() < kMaxVotesPerRecord;
  if (!continues) unwritten_.push_back({vote.statement, {}});
  unwritten_.back().by.push_back({vote.signer, vote.signature});
  return earlier;
}

Status VoteLog::flush() {
  if (unwritten_.empty()) return {};
  for (const Group& group : std::exchange(unwritten_, {})) {
    if (!TRY(log_.append(encode(group)))) not_kept_ += group.by.size();
  }
  const auto older = log_.older();
  forget_before(older.empty() ? log_.epoch() : older.front());
  return {};
}

/// The vote itself: in memory still, or in its file. Nothing where that is damaged.
Result<std::optional<KeptVote>> VoteLog::find(const Statement& statement, Epoch file, std::uint16_t signer) const {
  std::optional<KeptVote> out;
  const auto look = [&](const Group& group) {
    if (group.statement != statement) return;
    for (const Signed& one : group.by) {
      if (one.signer == signer) out = KeptVote{statement, signer, one.signature};
    }
  };
  std::ranges::for_each(unwritten_, look);
  if (out) return out;
  const auto records = log_.read(file);
  if (!records) return out;
  for (const Bytes& record : *records) {
    if (const auto group = decode<Group>(record)) look(*group);
  }
  return out;
}

/// What is in no file any more.
void VoteLog::forget_before(Epoch file) {
  if (file <= oldest_) return;
  oldest_ = file;
  for (auto place = places_.begin(); place != places_.end();) {
    for (Choice& choice : place->second) {
      std::erase_if(choice.by_file, [&](const auto& signed_in) { return signed_in.first < file; });
    }
    choices_ -= std::erase_if(place->second, [](const Choice& choice) { return choice.by_file.empty(); });
    place = place->second.empty() ? places_.erase(place) : std::next(place);
  }
  std::erase_if(convicted_, [&](const auto& member) { return member.second < file; });
}

}  // namespace micro
