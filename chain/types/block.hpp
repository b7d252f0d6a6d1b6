// Blocks and their roots. A header holds no consensus view, so that a block can be proposed again.
#pragma once

#include "chain/codec/fields.hpp"
#include "chain/types/receipt.hpp"
#include "chain/types/statement.hpp"
#include "chain/types/transaction.hpp"

namespace micro {

inline constexpr std::size_t kMaxTxsPerBlock = 32'768;
inline constexpr std::size_t kMaxValidators = 256;

struct Header {
  std::uint8_t version = 1;
  Height height;
  Epoch epoch;            ///< the epoch that this block's transactions run in
  bool boundary = false;  ///< the epoch's last block: the transition runs after its transactions
  BlockId parent;
  TimeMs time;    ///< greater than the parent's
  Hash txs_root;  ///< over the signed bytes
  Hash receipts_root;
  Hash events_root;      ///< over the boundary's events; zero elsewhere
  StateRoot state_root;  ///< after execution
  Hash headers_root;     ///< MMR over the ids of all blocks below this one
  Hash next_validators;  ///< set of the next epoch, on boundary blocks; zero elsewhere
  static constexpr auto kFields =
      fields<&Header::version, &Header::height, &Header::epoch, &Header::boundary, &Header::parent, &Header::time,
             &Header::txs_root, &Header::receipts_root, &Header::events_root, &Header::state_root,
             &Header::headers_root, &Header::next_validators>;
  bool operator==(const Header&) const = default;
};

BlockId block_id(const Header& header);

struct Block {
  Header header;
  List<SignedTx, kMaxTxsPerBlock> txs;
  static constexpr auto kFields = fields<&Block::header, &Block::txs>;
};

/// What happened in a block besides its body: what its header commits to with receipts_root and events_root.
struct BlockReceipts {
  List<TxReceipt, kMaxTxsPerBlock> receipts;
  List<Event, kMaxBoundaryEvents> boundary_events;
  static constexpr auto kFields = fields<&BlockReceipts::receipts, &BlockReceipts::boundary_events>;
};

struct Validator {
  Ed25519Key key;  ///< consensus key
  std::uint64_t weight = 0;
  static constexpr auto kFields = fields<&Validator::key, &Validator::weight>;
  bool operator==(const Validator&) const = default;
};

/// Ascending by key, no key twice, no weight of zero.
struct ValidatorSet {
  List<Validator, kMaxValidators> members;
  static constexpr auto kFields = fields<&ValidatorSet::members>;
  bool operator==(const ValidatorSet&) const = default;
};
Hash validator_set_hash(const ValidatorSet& set);

/// One statement signed by members whose weight is at least ⌊2W/3⌋ + 1.
struct Certificate {
  Statement statement;
  Blob<kMaxValidators / 8> signers;  ///< bit i: member i of the set signed; lowest bit first, no spare bits
  List<Ed25519Signature, kMaxValidators> signatures;  ///< in the order of the set
  static constexpr auto kFields = fields<&Certificate::statement, &Certificate::signers, &Certificate::signatures>;
  bool operator==(const Certificate&) const = default;
};

/// Root of a binary Merkle tree over the leaves' encodings (leaf and node are tagged; an odd node moves up); zero if
/// empty.
Hash merkle_root(std::span<const Hash> leaves);
/// Siblings from leaf to root.
struct MerkleProof {
  std::uint32_t index = 0;
  std::uint32_t count = 0;
  List<Hash, 64> path;
  static constexpr auto kFields = fields<&MerkleProof::index, &MerkleProof::count, &MerkleProof::path>;
};
MerkleProof merkle_prove(std::span<const Hash> leaves, std::uint32_t index);
bool merkle_verify(const Hash& root, const Hash& leaf, const MerkleProof& proof);

Hash txs_root(std::span<const SignedTx> txs);
Hash receipts_root(std::span<const TxReceipt> receipts);
Hash events_root(std::span<const Event> events);

}  // namespace micro
