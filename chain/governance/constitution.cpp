#include "chain/governance/constitution.hpp"

#include <array>

namespace micro {
namespace {

constexpr std::uint64_t kMaxEpochMs = 7ull * 24 * 3'600 * 1'000;
constexpr std::uint64_t kMaxBucketEpochs = 1'000'000;  // 30·Q of life and of grace stay far from 2³²
constexpr std::uint64_t kMaxDeadlineEpochs = 10'000'000;
constexpr std::uint64_t kMaxFeeMicro = 1'000'000'000'000;  // times 16 KiB of transaction: far below 2⁶²
constexpr std::uint64_t kMaxBuilders = 16;

struct Bound {
  const char* name;
  std::uint64_t value, min, max;
};

}  // namespace

Status check_params(const ChainParams& p) {
  const std::array bounds{
      Bound{"epoch_ms", p.epoch_ms, 1, kMaxEpochMs},
      Bound{"bucket_epochs", p.bucket_epochs, 1, kMaxBucketEpochs},
      Bound{"dispute_epochs", p.dispute_epochs, 1, kMaxDeadlineEpochs},
      Bound{"drain_epochs", p.drain_epochs, 1, kMaxDeadlineEpochs},
      Bound{"unbonding_epochs", p.unbonding_epochs, 2ull * p.dispute_epochs + p.drain_epochs + 1,
            4 * kMaxDeadlineEpochs},
      Bound{"max_drift_ms", p.max_drift_ms, 1, kMaxEpochMs},
      Bound{"fee_per_tx", p.fee_per_tx.micro, 0, kMaxFeeMicro},
      Bound{"fee_per_byte", p.fee_per_byte.micro, 0, kMaxFeeMicro},
      Bound{"name_fee", p.name_fee.micro, 0, kMaxSupplyMicro},
      Bound{"min_bond", p.min_bond.micro, 1, kMaxSupplyMicro},
      Bound{"price_per_mgas", p.price_per_mgas.micro, 0, kMaxFeeMicro},
      Bound{"upkeep_per_mib", p.upkeep_per_mib.micro, 0, kMaxFeeMicro},
      // φ above ρ₀: passing tokens through calls must cost more than refreshing them.
      Bound{"burn_share_ppm", p.burn_share_ppm, kernel::kRefreshFeeFloorPpm + 1, kPpm - 1},
      Bound{"replicas_min", p.replicas_min, 1, kernel::kMaxReplicas},
      Bound{"build_quorum", p.build_quorum, 1, kMaxBuilders},
      Bound{"intrinsic_gas_per_call", p.intrinsic_gas_per_call, 0, kMaxFeeMicro},
      Bound{"intrinsic_gas_per_byte", p.intrinsic_gas_per_byte, 0, kMaxFeeMicro},
      Bound{"max_block_bytes", p.max_block_bytes, 1u << 16, 1u << 26},
      Bound{"min_committee", p.min_committee, 1, kernel::kMaxSeats},
      Bound{"min_seat_bond", p.min_seat_bond.micro, 1, kMaxSupplyMicro},
  };
  for (const Bound& b : bounds) {
    if (b.value >= b.min && b.value <= b.max) continue;
    return fail(Fault::kInvalid, std::string("params.") + b.name + " is " + std::to_string(b.value),
                "it must be from " + std::to_string(b.min) + " to " + std::to_string(b.max));
  }
  if (p.fee_per_tx.is_zero() && p.fee_per_byte.is_zero()) {
    return fail(Fault::kInvalid, "params.fee_per_tx and params.fee_per_byte are both zero",
                "a transaction must cost a fee");
  }
  return {};
}

}  // namespace micro
