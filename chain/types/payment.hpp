// Off-ledger payment statements that a ledger transaction can carry. Their rules are in chain/economy.
#pragma once

#include "chain/codec/codec.hpp"
#include "chain/crypto/hash.hpp"
#include "chain/types/amount.hpp"
#include "chain/types/ids.hpp"

namespace micro {

inline constexpr std::size_t kMaxLanesPerChannel = 16;
inline constexpr std::size_t kMaxMethodBytes = 16;
inline constexpr std::size_t kMaxTargetBytes = 8'192;
inline constexpr std::size_t kMaxContentTypeBytes = 256;

/// What a voucher pays for. Its hash is the voucher's `req`.
struct CallRequestRecord {
  Text<kMaxMethodBytes> method{};
  ServiceId service{};
  std::optional<VersionId> version{};  ///< set when the caller named a commit
  Text<kMaxTargetBytes> target{};      ///< path and query as sent
  Text<kMaxContentTypeBytes> content_type{};
  Hash body_hash{};     ///< SHA-256 of the request body
  Epoch price_epoch{};  ///< epoch of the gas price p that the payer saw
  static constexpr auto kFields =
      fields<&CallRequestRecord::method, &CallRequestRecord::service, &CallRequestRecord::version,
             &CallRequestRecord::target, &CallRequestRecord::content_type, &CallRequestRecord::body_hash,
             &CallRequestRecord::price_epoch>;
  bool operator==(const CallRequestRecord&) const = default;
};

/// The payer's promise: `cum` is the most it owes on this lane after call number `seq`. Signed by the vkey (BIP-340).
struct Voucher {
  ChannelId channel{};
  std::uint8_t lane = 0;
  std::uint64_t seq = 0;  ///< first call is 1
  Amount cum{};
  Hash req{};          ///< hash of the CallRequestRecord
  TimeMs accept_by{};  ///< the provider refuses it later than this
  static constexpr auto kFields =
      fields<&Voucher::channel, &Voucher::lane, &Voucher::seq, &Voucher::cum, &Voucher::req, &Voucher::accept_by>;
  bool operator==(const Voucher&) const = default;
};

enum class CallOutcomeKind : std::uint8_t {
  kDone = 0,    ///< charged as stated
  kFailed = 1,  ///< refused or the host failed: charged nothing, the sequence number is used up
};
inline bool is_known(CallOutcomeKind k) {
  return k <= CallOutcomeKind::kFailed;
}

/// The host's account of one call. Signed by the channel's host key (Ed25519).
struct CallReceipt {
  ChannelId channel{};
  std::uint8_t lane = 0;
  std::uint64_t seq = 0;
  CallOutcomeKind outcome = CallOutcomeKind::kDone;
  Hash req{};
  Hash resp{};           ///< SHA-256 of (status u16 ‖ body)
  Amount charged{};      ///< this call
  Amount base_fee{};     ///< the burned part of `charged`
  Amount cum_charged{};  ///< this lane, this call included
  Amount cum_base_fee{};
  Gas gas{};
  CodeHash module{};
  Epoch epoch{};  ///< of the gas price
  Hash inputs{};  ///< commits to time, seed, gas limit, engine, price and nested replies
  static constexpr auto kFields =
      fields<&CallReceipt::channel, &CallReceipt::lane, &CallReceipt::seq, &CallReceipt::outcome, &CallReceipt::req,
             &CallReceipt::resp, &CallReceipt::charged, &CallReceipt::base_fee, &CallReceipt::cum_charged,
             &CallReceipt::cum_base_fee, &CallReceipt::gas, &CallReceipt::module, &CallReceipt::epoch,
             &CallReceipt::inputs>;
  bool operator==(const CallReceipt&) const = default;
};

/// Preimage of CallReceipt::inputs; returned beside the receipt so that anyone can run the call again.
struct CallInputs {
  TimeMs time{};
  Hash seed{};
  Gas gas_limit{};
  Hash engine{};  ///< engine version and configuration
  Amount price_per_mgas{};
  static constexpr auto kFields = fields<&CallInputs::time, &CallInputs::seed, &CallInputs::gas_limit,
                                         &CallInputs::engine, &CallInputs::price_per_mgas>;
  bool operator==(const CallInputs&) const = default;
};

struct LaneClaim {
  Voucher voucher{};
  SchnorrSignature voucher_signature{};
  Amount cum_charged{};
  Amount cum_base_fee{};
  static constexpr auto kFields =
      fields<&LaneClaim::voucher, &LaneClaim::voucher_signature, &LaneClaim::cum_charged, &LaneClaim::cum_base_fee>;
  bool operator==(const LaneClaim&) const = default;
};

struct LaneTotal {
  std::uint8_t lane = 0;
  std::uint64_t seq = 0;
  Amount cum_charged{};
  Amount cum_base_fee{};
  static constexpr auto kFields =
      fields<&LaneTotal::lane, &LaneTotal::seq, &LaneTotal::cum_charged, &LaneTotal::cum_base_fee>;
  bool operator==(const LaneTotal&) const = default;
};

/// Where one lane stands: what was claimed on it, or what its last receipt says.
struct LaneState {
  std::uint64_t seq = 0;
  Amount cum_charged{};
  Amount cum_base_fee{};
  static constexpr auto kFields = fields<&LaneState::seq, &LaneState::cum_charged, &LaneState::cum_base_fee>;
  bool operator==(const LaneState&) const = default;
};

}  // namespace micro
