#include "chain/execution/account_table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "chain/crypto/hash_batch.hpp"

namespace micro {
namespace {

// Addresses are hashes: their first bytes are as good as any.
std::uint64_t spread(const Address& address) {
  std::uint64_t h = 0;
  std::memcpy(&h, address.data.data(), sizeof h);
  return h;
}

Status read_account(Account& account, const StateView& view, const StatePath& path, bool& exists) {
  const auto bytes = view.get(path);
  exists = bytes.has_value();
  if (!bytes) return {};
  Decoder decoder(*bytes);
  Status status = decoder.get(account);
  if (status) status = decoder.finish();
  if (!status) return fail(Fault::kCorrupt, "account record: " + status.error().message);
  return {};
}

}  // namespace

// Linear probing; the table is never more than half full.
std::size_t AccountTable::probe(const Address& address) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = static_cast<std::size_t>(spread(address)) & mask;
  while (slots_[at] != 0 && rows_[slots_[at] - 1].account.address != address) at = (at + 1) & mask;
  return at;
}

void AccountTable::reserve(std::size_t rows) {
  rows_.reserve(rows);
  if (slots_.size() < 2 * rows) resize_slots(std::bit_ceil(2 * rows));
}

void AccountTable::resize_slots(std::size_t slots) {
  slots_.assign(slots, 0);
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    slots_[probe(rows_[i].account.address)] = static_cast<std::uint32_t>(i + 1);
  }
}

Result<std::size_t> AccountTable::find(const Address& address, const StateView& view) {
  const std::uint32_t slot = slots_[probe(address)];
  if (slot != 0) return slot - 1;
  return insert(address, path::account(address), view);
}

Result<std::size_t> AccountTable::insert(const Address& address, const StatePath& path, const StateView& view) {
  Row row;
  row.path = path;
  row.account.address = address;
  TRY(read_account(row.account, view, row.path, row.exists));
  if (row.account.address != address) return fail(Fault::kCorrupt, "an account is stored under another's path");
  if ((rows_.size() + 1) * 2 > slots_.size()) resize_slots(2 * slots_.size());
  rows_.push_back(std::move(row));
  slots_[probe(address)] = static_cast<std::uint32_t>(rows_.size());
  return rows_.size() - 1;
}

Status AccountTable::load(std::span<const Address> addresses, const StateView& view) {
  std::vector<Address> fresh;
  for (const Address& address : addresses) {
    if (slots_[probe(address)] == 0) fresh.push_back(address);
  }
  std::vector<Hash> hashes(fresh.size());
  HashBatch batch;
  for (std::size_t i = 0; i < fresh.size(); ++i) batch.add(fresh[i], hashes[i]);
  batch.flush();
  std::vector<StatePath> paths;
  for (const Hash& hash : hashes) paths.push_back(state_path_of_hash(Module::kAccounts, hash));
  view.prefetch(paths);
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    if (slots_[probe(fresh[i])] == 0) static_cast<void>(TRY(insert(fresh[i], paths[i], view)));
  }
  return {};
}

void AccountTable::flush(Overlay& to) {
  // In path order. All begin with the module's byte; what follows is a hash, whose first word nearly always decides.
  std::vector<std::pair<std::uint64_t, Row*>> changed;
  for (Row& row : rows_) {
    if (!row.dirty) continue;
    std::uint64_t word = 0;
    for (std::size_t i = 1; i <= sizeof word; ++i) word = word << 8 | row.path.data[i];
    changed.emplace_back(word, &row);
  }
  std::ranges::sort(changed, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.second->path < b.second->path;
  });
  StateDiff diff;
  Encoder scratch;
  for (const auto& [word, row] : changed) {
    scratch.clear().put(row->account);
    diff.emplace_hint(diff.end(), row->path, scratch.bytes());
    row->dirty = false;
  }
  to.merge(std::move(diff));
}

}  // namespace micro
