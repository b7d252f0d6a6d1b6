// What a payer's lane writes down. The lane's state is the fold of its entries.
#pragma once

#include "chain/codec/codec.hpp"
#include "chain/economy/voucher.hpp"

namespace micro {

/// Largest body of a paid request, kept until its outcome is known, so that it can be sent again after a crash.
inline constexpr std::size_t kMaxPaidBodyBytes = 256u << 10;
inline constexpr std::size_t kMaxIdempotencyKeyBytes = 64;
inline constexpr std::size_t kMaxDropReasonBytes = 256;
/// Largest answer that is kept for a client that asks again by its Idempotency-Key.
inline constexpr std::size_t kMaxKeptAnswerBytes = 256u << 10;
inline constexpr std::size_t kMaxKeptContentTypeBytes = 256;
inline constexpr std::size_t kMaxEntriesPerRecord = 8;

/// A channel as its payer knows it; fixed when it was opened.
struct PayerChannel {
  std::uint8_t version = 1;
  ChainId chain;
  ChannelId id;
  ServiceId service;
  NodeId host;
  Ed25519Key receipt_key;  ///< of the host; signs receipts and closings
  XOnlyKey vkey;           ///< signs this channel's vouchers
  Address session;         ///< the key that opened it …
  Nonce opening_nonce;     ///< … and its nonce, from which the secret of vkey is derived
  Amount price;            ///< π
  Amount max_call_price;   ///< the payer's own cap of one call
  Epoch end;
  std::uint8_t lanes = 1;
  static constexpr auto kFields =
      fields<&PayerChannel::version, &PayerChannel::chain, &PayerChannel::id, &PayerChannel::service,
             &PayerChannel::host, &PayerChannel::receipt_key, &PayerChannel::vkey, &PayerChannel::session,
             &PayerChannel::opening_nonce, &PayerChannel::price, &PayerChannel::max_call_price, &PayerChannel::end,
             &PayerChannel::lanes>;
  bool operator==(const PayerChannel&) const = default;
};

/// A call whose voucher is signed: everything needed to send the same bytes again and to judge the receipt.
struct SignedCall {
  Voucher voucher;
  SchnorrSignature signature;
  CallRequestRecord request;
  Blob<kMaxPaidBodyBytes> body;  ///< empty again once the call is settled
  Amount max_price;
  Amount price_per_mgas;
  std::uint64_t intrinsic_gas_per_call = 0;
  std::uint64_t intrinsic_gas_per_byte = 0;
  Text<kMaxIdempotencyKeyBytes> idempotency_key;  ///< empty: none
  static constexpr auto kFields =
      fields<&SignedCall::voucher, &SignedCall::signature, &SignedCall::request, &SignedCall::body,
             &SignedCall::max_price, &SignedCall::price_per_mgas, &SignedCall::intrinsic_gas_per_call,
             &SignedCall::intrinsic_gas_per_byte, &SignedCall::idempotency_key>;
  bool operator==(const SignedCall&) const = default;
};

struct SignedReceipt {
  CallReceipt receipt;
  Ed25519Signature signature;
  static constexpr auto kFields = fields<&SignedReceipt::receipt, &SignedReceipt::signature>;
  bool operator==(const SignedReceipt&) const = default;
};

/// The host's account of a lane: the payer's own last voucher that it accepted, and its receipt for that.
struct LaneProof {
  Voucher voucher;
  SchnorrSignature signature;
  SignedReceipt receipt;
  static constexpr auto kFields = fields<&LaneProof::voucher, &LaneProof::signature, &LaneProof::receipt>;
  bool operator==(const LaneProof&) const = default;
};

namespace entry {

/// First in every log: whose log this is, and the totals that it continues.
struct Opened {
  ChannelId channel;
  LaneTotal from;
  static constexpr auto kFields = fields<&Opened::channel, &Opened::from>;
  bool operator==(const Opened&) const = default;
};
struct Signed {
  SignedCall call;
  static constexpr auto kFields = fields<&Signed::call>;
  bool operator==(const Signed&) const = default;
};
struct Settled {
  SignedReceipt receipt;
  static constexpr auto kFields = fields<&Settled::receipt>;
  bool operator==(const Settled&) const = default;
};
struct Adopted {
  LaneProof proof;
  static constexpr auto kFields = fields<&Adopted::proof>;
  bool operator==(const Adopted&) const = default;
};
/// The host signed something false; `evidence` is what it signed.
struct Dropped {
  Text<kMaxDropReasonBytes> reason;
  SignedReceipt evidence;
  static constexpr auto kFields = fields<&Dropped::reason, &Dropped::evidence>;
  bool operator==(const Dropped&) const = default;
};

/// What the call that was settled last was answered with. The host forgets it with the lane's next call; a client that
/// has not seen it asks again.
struct Answered {
  std::uint64_t seq = 0;
  std::uint16_t status = 0;
  Text<kMaxKeptContentTypeBytes> content_type;
  Blob<kMaxKeptAnswerBytes> body;
  CallInputs inputs;
  static constexpr auto kFields =
      fields<&Answered::seq, &Answered::status, &Answered::content_type, &Answered::body, &Answered::inputs>;
  bool operator==(const Answered&) const = default;
};

}  // namespace entry

/// The order is frozen: the index is in the files.
using Entry =
    std::variant<entry::Opened, entry::Signed, entry::Settled, entry::Adopted, entry::Dropped, entry::Answered>;

/// One record of the log: entries that become durable together.
struct EntryRecord {
  std::uint8_t version = 1;
  List<Entry, kMaxEntriesPerRecord> entries;
  static constexpr auto kFields = fields<&EntryRecord::version, &EntryRecord::entries>;
  bool operator==(const EntryRecord&) const = default;
};

}  // namespace micro
