#include "rpc/daemon/network.hpp"

#include <algorithm>

#include "genesis/json/genesis_json.hpp"
#include "services/governance/embedded_policy.hpp"
#include "wallet/disk/files.hpp"
#include "wallet/keys/hd_key.hpp"
#include "wallet/keys/mnemonic.hpp"
#include "wallet/keystore/keystore.hpp"

namespace micro {
namespace {

constexpr std::size_t kMaxGenesisFileBytes = 256u << 20;
constexpr std::uint64_t kBucketMs = 86'400'000;  // lots of a made network end with a day, as everywhere

Result<Genesis> read_genesis(const std::filesystem::path& file) {
  const Bytes raw = TRY(read_file(file, kMaxGenesisFileBytes));
  auto genesis = parse_genesis(as_text(raw));
  if (!genesis) genesis.error().message = file.string() + ": " + genesis.error().message;
  return genesis;
}

Result<std::vector<GenesisAccount>> dev_owners() {
  std::vector<GenesisAccount> out;
  for (const DevAccount& account : TRY(dev_accounts())) out.push_back({account.address, Amount(kDevAccountMicro)});
  return out;
}

Result<std::vector<GenesisAccount>> wallet_owner(const std::filesystem::path& wallets) {
  const auto keystore = TRY(Keystore::open(wallets));
  const auto account = keystore.current_account();
  if (!account) {
    return fail(Fault::kNotFound, "a new network needs an owner for its first tokens, and there is no wallet yet",
                "make one with `micro wallet new NAME`, or join a network with --genesis FILE");
  }
  return std::vector{GenesisAccount{account->address(), Amount(kOwnerMicro)}};
}

Result<Genesis> make_genesis(const NodeConfig& config, const NodeKeys& keys, const Hash& engine, TimeMs now) {
  Genesis out = TRY(parse_genesis_template(dev_genesis_template()));
  out.network = Text<kMaxNetworkNameBytes>(config.network.substr(0, kMaxNetworkNameBytes));
  out.time = now;
  out.params.epoch_ms = config.epoch_ms;
  out.params.bucket_epochs = config.bucket_epochs;
  if (config.bucket_epochs == 0) {
    out.params.bucket_epochs = static_cast<std::uint32_t>(std::max<std::uint64_t>(kBucketMs / config.epoch_ms, 1));
  }
  out.params.dispute_epochs = config.dispute_epochs;
  out.params.unbonding_epochs = 2 * config.dispute_epochs + out.params.drain_epochs + 10;
  // Nobody else reaches this node: a committee in which others outweigh it would stand still for ever.
  out.params.min_committee = kernel::kMaxSeats;
  out.engine = engine;
  const ByteView policy = embedded_policy();
  out.policy.assign(policy.begin(), policy.end());
  auto accounts = TRY(config.dev ? dev_owners() : wallet_owner(config.wallets_dir));
  std::ranges::sort(accounts, {}, &GenesisAccount::address);
  out.accounts.assign(accounts.begin(), accounts.end());
  out.validators.members.push_back({keys.consensus.public_key(), 1});
  TRY(check_genesis(out));
  return out;
}

}  // namespace

Result<std::vector<DevAccount>> dev_accounts() {
  const Mnemonic phrase = TRY(Mnemonic::parse(kDevPhrase));
  const SecretBytes seed = TRY(phrase.seed());
  const HdKey root = TRY(HdKey::from_seed(seed.view()));
  std::vector<DevAccount> out;
  for (std::uint32_t i = 0; i < kDevAccounts; ++i) {
    const DerivationPath path = DerivationPath::account(i);
    const HdKey key = TRY(root.derive(path));
    out.push_back({i, path.text(), key.secret(), address_of(key.secret().public_key())});
  }
  return out;
}

Result<Genesis> load_or_make_genesis(const NodeConfig& config, const NodeKeys& keys, const Hash& engine, TimeMs now) {
  const auto own = config.data_dir / "genesis.json";
  if (std::filesystem::exists(own)) {
    Genesis genesis = TRY(read_genesis(own));
    if (config.genesis && chain_id(TRY(read_genesis(*config.genesis))) != chain_id(genesis)) {
      return fail(Fault::kMismatch,
                  config.data_dir.string() + " belongs to another network than " + config.genesis->string(),
                  "name another folder with --data");
    }
    return genesis;
  }
  Genesis genesis = config.genesis ? TRY(read_genesis(*config.genesis)) : TRY(make_genesis(config, keys, engine, now));
  TRY(write_file_durably(own, as_bytes(format_genesis(genesis)), IfPresent::kRefuse));
  return genesis;
}

}  // namespace micro
