// The whole work of a light client as one value in and one value out: where it starts, what it is fed, and what it made
// of each piece. For hosts that keep no client between calls; wasm/ is such a one.
#pragma once

#include "chain/codec/fields.hpp"
#include "consensus/light/light_client.hpp"

namespace micro::light {

inline constexpr std::size_t kMaxFeeds = 4'096;
inline constexpr std::size_t kMaxValueBytes = 1u << 20;  ///< of one proven value

// --- where it starts ---

struct FromGenesis {
  Genesis genesis;
  Header header;
  static constexpr auto kFields = fields<&FromGenesis::genesis, &FromGenesis::header>;
};
struct FromCheckpoint {
  ChainId chain;
  Header boundary;
  ValidatorSet set;
  static constexpr auto kFields = fields<&FromCheckpoint::chain, &FromCheckpoint::boundary, &FromCheckpoint::set>;
};

// --- what it is fed ---

struct EndEpoch {
  Header header;
  Certificate certificate;
  ValidatorSet next;
  static constexpr auto kFields = fields<&EndEpoch::header, &EndEpoch::certificate, &EndEpoch::next>;
};
struct Advance {
  Header header;
  Certificate certificate;
  static constexpr auto kFields = fields<&Advance::header, &Advance::certificate>;
};
struct SkipTo {
  Skip step;
  TimeMs now;
  std::uint64_t period_ms = 0;
  std::uint64_t drift_ms = 0;
  static constexpr auto kFields = fields<&SkipTo::step, &SkipTo::now, &SkipTo::period_ms, &SkipTo::drift_ms>;
};
struct CheckState {
  StatePath path;
  std::optional<Blob<kMaxValueBytes>> value;
  StateProof proof;
  static constexpr auto kFields = fields<&CheckState::path, &CheckState::value, &CheckState::proof>;
};
struct CheckBlock {
  Header header;
  MmrProof proof;
  static constexpr auto kFields = fields<&CheckBlock::header, &CheckBlock::proof>;
};
struct CheckTx {
  Header header;
  SignedTx tx;
  MerkleProof proof;
  static constexpr auto kFields = fields<&CheckTx::header, &CheckTx::tx, &CheckTx::proof>;
};
struct CheckReceipt {
  Header header;
  TxReceipt receipt;
  MerkleProof proof;
  static constexpr auto kFields = fields<&CheckReceipt::header, &CheckReceipt::receipt, &CheckReceipt::proof>;
};
struct CheckEvent {
  Header header;
  Event event;
  MerkleProof proof;
  static constexpr auto kFields = fields<&CheckEvent::header, &CheckEvent::event, &CheckEvent::proof>;
};
using Feed = std::variant<EndEpoch, Advance, SkipTo, CheckState, CheckBlock, CheckTx, CheckReceipt, CheckEvent>;

struct Script {
  std::variant<FromGenesis, FromCheckpoint> start;
  List<Feed, kMaxFeeds> feeds;
  static constexpr auto kFields = fields<&Script::start, &Script::feeds>;
};

// --- what it made of it ---

/// Why a piece was not taken; the client then stands where it stood before.
struct Refusal {
  std::uint8_t fault = 0;  ///< a Fault; kNotFound where a skip was too far and nothing is wrong
  Text<256> why;
  static constexpr auto kFields = fields<&Refusal::fault, &Refusal::why>;
  bool operator==(const Refusal&) const = default;
};
struct Outcome {
  std::optional<Refusal> start;                   ///< set: nothing was looked at
  List<std::optional<Refusal>, kMaxFeeds> feeds;  ///< one for each
  Header tip;
  Epoch epoch;  ///< that the next block runs in
  static constexpr auto kFields = fields<&Outcome::start, &Outcome::feeds, &Outcome::tip, &Outcome::epoch>;
  bool operator==(const Outcome&) const = default;
};

/// Headers of transactions, receipts and events are believed only if they are the tip or a CheckBlock before them held.
Outcome run(const Script& script);

}  // namespace micro::light
