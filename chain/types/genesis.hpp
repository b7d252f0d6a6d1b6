// The canonical genesis: its hash is the chain's name. genesis/ reads it from JSON.
#pragma once

#include "chain/codec/fields.hpp"
#include "chain/types/address.hpp"
#include "chain/types/block.hpp"
#include "chain/types/params.hpp"

namespace micro {

inline constexpr std::size_t kMaxGenesisAccounts = 2'000'000;
inline constexpr std::size_t kMaxPolicyBytes = 1u << 20;
inline constexpr std::size_t kMaxNetworkNameBytes = 32;

struct GenesisAccount {
  Address address;
  Amount amount;  ///< one fresh lot
  static constexpr auto kFields = fields<&GenesisAccount::address, &GenesisAccount::amount>;
  bool operator==(const GenesisAccount&) const = default;
};

struct Genesis {
  std::uint8_t version = 1;
  Text<kMaxNetworkNameBytes> network;
  NetworkKind kind = NetworkKind::kDev;
  TimeMs time;
  ChainParams params;
  Hash engine;                   ///< engine version and configuration that meter wasm on this network
  Blob<kMaxPolicyBytes> policy;  ///< wasm
  List<GenesisAccount, kMaxGenesisAccounts> accounts;  ///< ascending by address
  ValidatorSet validators;
  static constexpr auto kFields =
      fields<&Genesis::version, &Genesis::network, &Genesis::kind, &Genesis::time, &Genesis::params, &Genesis::engine,
             &Genesis::policy, &Genesis::accounts, &Genesis::validators>;
};

inline ChainId chain_id(const Genesis& genesis) {
  return tagged_hash(domain::kGenesis, encode(genesis)).as<ChainId>();
}
inline PolicyHash policy_hash(ByteView wasm) {
  return tagged_hash(domain::kPolicyCode, wasm).as<PolicyHash>();
}

}  // namespace micro
