#include "chain/execution/account_table.hpp"

#include <algorithm>
#include <cstring>

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

void AccountTable::grow() {
  slots_.assign(slots_.size() * 2, 0);
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    slots_[probe(rows_[i].account.address)] = static_cast<std::uint32_t>(i + 1);
  }
}

Result<std::size_t> AccountTable::find(const Address& address, const StateView& view) {
  std::size_t at = probe(address);
  if (slots_[at] != 0) return slots_[at] - 1;
  Row row;
  row.path = path::account(address);
  row.account.address = address;
  TRY(read_account(row.account, view, row.path, row.exists));
  if (row.account.address != address) return fail(Fault::kCorrupt, "an account is stored under another's path");
  if ((rows_.size() + 1) * 2 > slots_.size()) {
    grow();
    at = probe(address);
  }
  rows_.push_back(std::move(row));
  slots_[at] = static_cast<std::uint32_t>(rows_.size());
  return rows_.size() - 1;
}

void AccountTable::flush(Overlay& to) {
  std::vector<Row*> changed;
  for (Row& row : rows_) {
    if (row.dirty) changed.push_back(&row);
  }
  std::ranges::sort(changed, {}, [](const Row* row) { return row->path; });
  StateDiff diff;
  Encoder scratch;
  for (Row* row : changed) {
    scratch.clear().put(row->account);
    diff.emplace_hint(diff.end(), row->path, scratch.bytes());
    row->dirty = false;
  }
  to.merge(std::move(diff));
}

}  // namespace micro
