#include "wallet/payer/openings.hpp"

#include <system_error>

#include "wallet/disk/files.hpp"

namespace micro {
namespace {

constexpr std::size_t kMaxOpeningFileBytes = kMaxTxBytes + 64;

Result<Opening> load(const std::filesystem::path& path) {
  const Bytes bytes = TRY(read_file(path, kMaxOpeningFileBytes));
  auto opening = decode<Opening>(bytes);
  if (!opening || opening->version != 1 || opening->terms() == nullptr ||
      tx_id(opening->tx.body).hex() != path.filename().string()) {
    return fail(Fault::kCorrupt, path.string() + " is damaged",
                "restore it from a backup, or remove it: the deposit then stays locked until its channel ends");
  }
  return opening;
}

}  // namespace

Result<Openings> Openings::open(const std::filesystem::path& folder) {
  TRY(make_private_folder(folder));
  Openings out(folder);
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    // What a crash left of a write that was not acknowledged has another name: its transaction was never sent.
    const auto id = TxId::parse(it->path().filename().string());
    if (!id) continue;
    out.openings_.emplace(*id, TRY(load(it->path())));
  }
  if (error) return fail(Fault::kIo, "cannot read " + folder.string() + ": " + error.message());
  return out;
}

Status Openings::add(const Opening& opening) {
  if (opening.terms() == nullptr) return fail(Fault::kInvalid, "the transaction opens no channel");
  const TxId id = tx_id(opening.tx.body);
  TRY(write_file_durably(folder_ / id.hex(), encode(opening), IfPresent::kReplace));
  openings_.insert_or_assign(id, opening);
  return {};
}

Status Openings::remove(const TxId& id) {
  if (openings_.erase(id) == 0) return {};
  std::error_code error;
  std::filesystem::remove(folder_ / id.hex(), error);
  if (error) return fail(Fault::kIo, "cannot remove " + (folder_ / id.hex()).string() + ": " + error.message());
  return sync_folder(folder_);
}

}  // namespace micro
