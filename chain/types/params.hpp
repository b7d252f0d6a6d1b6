// What a network fixes in its genesis, and what no network may change (kernel constants).
#pragma once

#include <cstdint>

#include "chain/codec/codec.hpp"
#include "chain/types/amount.hpp"

namespace micro {

namespace kernel {
inline constexpr std::uint32_t kLifeBuckets = 30;             ///< L = 30·Q epochs of life
inline constexpr std::uint32_t kGraceBuckets = 30;            ///< G = 30·Q epochs of grace
inline constexpr std::uint32_t kRefreshFeeFloorPpm = 10'000;  ///< 1 % before expiry
inline constexpr std::uint32_t kRefreshFeeSpanPpm = 490'000;  ///< up to 50 % at the end of grace
inline constexpr std::uint32_t kMinHostSharePpm = 300'000;
inline constexpr std::uint32_t kMaxLanes = 16;
inline constexpr std::uint32_t kMaxChannelEpochsInBuckets = 20;  ///< a channel lasts at most 20·Q epochs
inline constexpr std::uint32_t kOverclaimPenaltyFactor = 10;
inline constexpr std::uint32_t kMaxChurnPpm = 10'000;  ///< voluntary moves an epoch
inline constexpr std::uint32_t kMaxReplicas = 16;
inline constexpr std::uint64_t kPolicyFuel = 2'000'000'000;  ///< wasm instructions of one policy run
inline constexpr std::uint32_t kMaxServicesPerView = 4'096;
inline constexpr std::uint32_t kMaxHostsPerView = 4'096;
inline constexpr std::uint32_t kMaxSeats = 100;                   ///< that stake wants in the committee
inline constexpr std::uint64_t kCommitteeWeight = 1'000'000'000;  ///< of a committee made from stakes
inline constexpr std::uint32_t kMaxSeatPpm = 300'000;             ///< of it in one seat, where others can hold the rest
inline constexpr std::uint32_t kMaxSetChangePpm = 250'000;        ///< of it changes hands in an epoch
/// Of a slashed bond to the reporter: too little for the guilty to save it by reporting themselves.
inline constexpr std::uint32_t kReporterPpm = 50'000;
}  // namespace kernel

struct ChainParams {
  std::uint32_t epoch_ms = 3'600'000;
  std::uint32_t bucket_epochs = 24;      ///< Q
  std::uint32_t dispute_epochs = 12;     ///< D
  std::uint32_t unbonding_epochs = 336;  ///< U ≥ 2D + drain + 1
  std::uint32_t drain_epochs = 6;
  std::uint32_t max_drift_ms = 5'000;
  Amount fee_per_tx{100};                 ///< µT
  Amount fee_per_byte{1};                 ///< µT
  Amount name_fee{1'000'000};             ///< µT for a service name, burned
  Amount min_bond{10'000'000};            ///< µT an offer
  Amount price_per_mgas{100};             ///< p: µT per 10⁶ gas, burned
  Amount upkeep_per_mib{1};               ///< µT per MiB and epoch of a placed replica, burned
  std::uint32_t burn_share_ppm = 50'000;  ///< φ of every posted price
  std::uint32_t replicas_min = 1;         ///< r_min
  std::uint32_t build_quorum = 5;         ///< k: builders asked, at most
  std::uint64_t intrinsic_gas_per_call = 50'000;
  std::uint64_t intrinsic_gas_per_byte = 10;
  std::uint32_t max_block_bytes = 4u << 20;
  bool allow_local_sources = false;   ///< file:// and paths as service sources: development only
  std::uint32_t min_committee = 4;    ///< members; with fewer at hand the committee stays as it is
  Amount min_seat_bond{100'000'000};  ///< µT a seat
  static constexpr auto kFields =
      fields<&ChainParams::epoch_ms, &ChainParams::bucket_epochs, &ChainParams::dispute_epochs,
             &ChainParams::unbonding_epochs, &ChainParams::drain_epochs, &ChainParams::max_drift_ms,
             &ChainParams::fee_per_tx, &ChainParams::fee_per_byte, &ChainParams::name_fee, &ChainParams::min_bond,
             &ChainParams::price_per_mgas, &ChainParams::upkeep_per_mib, &ChainParams::burn_share_ppm,
             &ChainParams::replicas_min, &ChainParams::build_quorum, &ChainParams::intrinsic_gas_per_call,
             &ChainParams::intrinsic_gas_per_byte, &ChainParams::max_block_bytes, &ChainParams::allow_local_sources,
             &ChainParams::min_committee, &ChainParams::min_seat_bond>;
  bool operator==(const ChainParams&) const = default;
};

/// Epochs of life of a fresh lot, and of grace after it.
inline constexpr std::uint32_t life_epochs(const ChainParams& p) {
  return kernel::kLifeBuckets * p.bucket_epochs;
}
inline constexpr std::uint32_t grace_epochs(const ChainParams& p) {
  return kernel::kGraceBuckets * p.bucket_epochs;
}

}  // namespace micro
