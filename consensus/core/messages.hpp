// What nodes say to each other. A proposal is its leader's Notarize vote with the block: one signature proposes and
// votes. Certificates travel beside it and stand for themselves, so that a wrong one is the carrier's fault alone.
#pragma once

#include "chain/codec/fields.hpp"
#include "chain/types/block.hpp"

namespace micro::simplex {

inline constexpr std::size_t kMaxCarriedCertificates = 66;  ///< parent, 64 skipped views, the highest finalization
inline constexpr std::size_t kMaxVotesPerMessage = 64;
inline constexpr std::size_t kMaxCertificatesPerMessage = 64;
inline constexpr std::size_t kMaxBlocksPerAnswer = 64;
inline constexpr std::size_t kMaxMessageBytes = 8u << 20;
inline constexpr std::uint8_t kMessageVersion = 1;

/// A statement of one validator.
struct Vote {
  Statement statement;
  std::uint16_t signer = 0;  ///< index in the set of the statement's epoch
  Ed25519Signature signature;
  static constexpr auto kFields = fields<&Vote::statement, &Vote::signer, &Vote::signature>;
  bool operator==(const Vote&) const = default;
};

struct Proposal {
  Vote vote;                   ///< a Notarize of the view's leader
  std::optional<Block> block;  ///< none where a block is proposed again
  /// Unordered: the parent view's notarization, a nullification for each view between, the highest finalization.
  List<Certificate, kMaxCarriedCertificates> certificates;
  static constexpr auto kFields = fields<&Proposal::vote, &Proposal::block, &Proposal::certificates>;
};

struct Votes {
  List<Vote, kMaxVotesPerMessage> votes;
  static constexpr auto kFields = fields<&Votes::votes>;
};

struct Certificates {
  List<Certificate, kMaxCertificatesPerMessage> certificates;
  static constexpr auto kFields = fields<&Certificates::certificates>;
};

enum class AskKind : std::uint8_t {
  kBlocks = 0,        ///< `block` and its ancestors above height `above`, newest first
  kCertificates = 1,  ///< of the views from `from` to `to`
  kStatus = 2,        ///< the highest finalization, if its view is above `from`
};
inline bool is_known(AskKind k) {
  return k <= AskKind::kStatus;
}

struct Ask {
  AskKind kind = AskKind::kStatus;
  View from;
  View to;
  BlockId block;
  Height above;
  static constexpr auto kFields = fields<&Ask::kind, &Ask::from, &Ask::to, &Ask::block, &Ask::above>;
  bool operator==(const Ask&) const = default;
};

/// Each block's parent follows it.
struct Blocks {
  List<Block, kMaxBlocksPerAnswer> blocks;
  static constexpr auto kFields = fields<&Blocks::blocks>;
};

using MessageBody = std::variant<Proposal, Votes, Certificates, Ask, Blocks>;

struct Message {
  std::uint8_t version = kMessageVersion;
  Epoch epoch;  ///< that the sender is in
  MessageBody body;
  static constexpr auto kFields = fields<&Message::version, &Message::epoch, &Message::body>;
};

/// kLimit or kInvalid for anything that is not exactly one message of this version.
Result<Message> decode_message(ByteView bytes);

}  // namespace micro::simplex
