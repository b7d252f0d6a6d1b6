#include "tests/e2e/crash/auditor.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "consensus/journal/journal.hpp"

namespace micro::crash {
namespace {

Bytes content(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string text(const Statement& s) {
  constexpr std::array kKinds{"notarize", "nullify", "finalize"};
  return std::string(kKinds.at(static_cast<std::size_t>(s.kind))) + " in view " + s.view.text() + " of " +
         s.epoch_id.brief() + " for " + s.block.brief();
}

}  // namespace

void Auditor::complain(std::string what) {
  const std::lock_guard lock(mutex_);
  complaints_.push_back(std::move(what));
}

std::vector<std::string> Auditor::complaints() const {
  const std::lock_guard lock(mutex_);
  return complaints_;
}

Height Auditor::highest() const {
  const std::lock_guard lock(mutex_);
  return blocks_.empty() ? Height(0) : blocks_.rbegin()->first;
}

void Auditor::saw(const Block& block, const Certificate& certificate) {
  const BlockId id = block_id(block.header);
  const Height height = block.header.height;
  const Statement& s = certificate.statement;
  std::string wrong;
  {
    const std::lock_guard lock(mutex_);
    if (blocks_.try_emplace(height, id).first->second != id) wrong = "another block " + height.text();
    if (roots_.try_emplace(height, block.header.state_root).first->second != block.header.state_root) {
      wrong = "another state at height " + height.text();
    }
    const auto [known, is_new] = shown_.try_emplace({s.epoch_id, s.view}, s);
    if (known->second != s) wrong = "two finalizations: " + text(s) + ", and " + text(known->second);
    if (is_new) unchecked_.push_back(s);
  }
  if (s.block != id || s.kind != StatementKind::kFinalize) wrong = "the certificate of block " + height.text();
  if (certificate.signatures.size() != 1 || !verify_ed25519(key_, statement_hash(s), certificate.signatures.front())) {
    wrong = "a signature under block " + height.text();
  }
  if (!wrong.empty()) complain(std::move(wrong));
}

void Auditor::heard(const simplex::Vote& vote) {
  const Statement& s = vote.statement;
  auto& others = said_[{s.epoch_id, s.view}];
  if (std::ranges::find(others, s) != others.end()) return;
  if (!verify_ed25519(key_, statement_hash(s), vote.signature)) complain("a wrong signature: " + text(s));
  for (const Statement& other : others) {
    if (other.kind == s.kind || contradict(other, s)) complain("signed both: " + text(other) + ", and " + text(s));
  }
  others.push_back(s);
}

Auditor::Memory Auditor::read(const std::filesystem::path& file, Epoch& epoch) {
  Memory out;
  const Bytes all = content(file);
  const auto recovered = recover_journal(all);
  if (!recovered) {
    complain("a damaged journal: " + recovered.error().message);
    return out;
  }
  torn_ += recovered->valid_bytes < all.size() ? 1 : 0;
  if (recovered->head) epoch = recovered->head->epoch;
  for (const Bytes& payload : recovered->payloads) {
    const auto record = decode<simplex::Record>(payload);
    if (!record) {
      complain("a record that cannot be read: " + record.error().message);
      continue;
    }
    if (const auto* own = std::get_if<simplex::OwnVote>(&*record)) out.votes.push_back(own->vote);
    const auto* floor = std::get_if<simplex::Floor>(&*record);
    if (floor != nullptr) out.floor = std::max(out.floor, floor->view);
  }
  return out;
}

/// What the journal held at the last death it holds now, unless it is final or its epoch is long over.
void Auditor::compare_live() {
  std::map<Epoch, Memory> now;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(journal_, none)) {
    const auto file = entry.path() / Journal::kRecordsFile;
    if (!entry.is_directory() || !std::filesystem::exists(file)) continue;
    Epoch epoch;
    Memory memory = read(file, epoch);
    if (memory.votes.empty() && memory.floor.value == 0) continue;
    now[epoch] = std::move(memory);
  }
  const Epoch newest = now.empty() ? Epoch(0) : now.rbegin()->first;
  for (const auto& [epoch, before] : live_) {
    const auto after = now.find(epoch);
    if (after == now.end()) {
      if (epoch.value + 2 > newest.value) complain("the journal of epoch " + epoch.text() + " is gone");
      continue;
    }
    if (after->second.floor < before.floor) complain("the floor sank in epoch " + epoch.text());
    for (const simplex::Vote& vote : before.votes) {
      ++compared_;
      const bool is_there = std::ranges::find(after->second.votes, vote) != after->second.votes.end();
      if (!is_there && vote.statement.view > after->second.floor) complain("forgotten: " + text(vote.statement));
    }
  }
  live_ = std::move(now);
}

/// Nothing is shown before the vote behind it is written down.
void Auditor::check_shown() {
  const std::lock_guard lock(mutex_);
  for (const Statement& s : std::exchange(unchecked_, {})) {
    const auto said = said_.find({s.epoch_id, s.view});
    const bool is_written = said != said_.end() && std::ranges::find(said->second, s) != said->second.end();
    if (!is_written) complaints_.push_back("shown and in no journal: " + text(s));
  }
}

void Auditor::node_died() {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(kept_, none)) {
    struct stat info{};
    if (::stat(entry.path().c_str(), &info) != 0) continue;
    ++journals_;
    Epoch epoch;
    for (const simplex::Vote& vote : read(entry.path(), epoch).votes) heard(vote);
    if (info.st_nlink == 1) std::filesystem::remove(entry.path(), none);  // the node has no name for it any more
  }
  compare_live();
  check_shown();
}

}  // namespace micro::crash
