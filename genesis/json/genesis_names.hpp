// JSON names of the types in a genesis.
#pragma once

#include "chain/types/genesis.hpp"
#include "genesis/json/json_codec.hpp"

namespace micro {

MICRO_JSON_ENUM(NetworkKind, {NetworkKind::kMain, "main"}, {NetworkKind::kTest, "test"}, {NetworkKind::kDev, "dev"})
MICRO_JSON_OF(ChainParams, epoch_ms, bucket_epochs, dispute_epochs, unbonding_epochs, drain_epochs, max_drift_ms,
              fee_per_tx, fee_per_byte, name_fee, min_bond, price_per_mgas, upkeep_per_mib, burn_share_ppm,
              replicas_min, build_quorum, intrinsic_gas_per_call, intrinsic_gas_per_byte, max_block_bytes,
              allow_local_sources, min_committee, min_seat_bond)
MICRO_JSON_OF(GenesisAccount, address, amount)
MICRO_JSON_OF(Validator, key, weight)

}  // namespace micro
