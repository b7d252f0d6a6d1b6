// Which network a node's folder belongs to: its genesis, read, or made for a network of one.
#pragma once

#include <vector>

#include "chain/types/genesis.hpp"
#include "rpc/daemon/config/config.hpp"
#include "rpc/daemon/data_dir.hpp"

namespace micro {

/// The phrase that development networks elsewhere use too. Everybody knows it: never send real tokens to its accounts.
inline constexpr std::string_view kDevPhrase = "test test test test test test test test test test test junk";
inline constexpr std::uint32_t kDevAccounts = 10;
inline constexpr std::uint64_t kDevAccountMicro = 1'000 * kMicroPerToken;
/// What the owner of a network of one starts with.
inline constexpr std::uint64_t kOwnerMicro = 1'000'000 * kMicroPerToken;

struct DevAccount {
  std::uint32_t index = 0;
  std::string path;
  SecretKey key;
  Address address;
};
Result<std::vector<DevAccount>> dev_accounts();

/// The folder's genesis.json; or the file that the configuration names, copied there; or a new network of one whose
/// only validator is this node, whose policy is the one built in, and whose tokens belong to the development accounts
/// (dev) or to the current account of the wallet. kMismatch when the folder belongs to another network than the named
/// file's.
Result<Genesis> load_or_make_genesis(const NodeConfig& config, const NodeKeys& keys, const Hash& engine, TimeMs now);

}  // namespace micro
