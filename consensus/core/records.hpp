// What the engine remembers across crashes, one folder of records an epoch. consensus/journal stores their encodings
// and knows nothing of their meaning.
#pragma once

#include "chain/codec/fields.hpp"
#include "consensus/core/messages.hpp"

namespace micro::simplex {

/// The node moved to this view.
struct Entered {
  View view;
  static constexpr auto kFields = fields<&Entered::view>;
};
/// Signed by this node; counts and is sent again after a restart.
struct OwnVote {
  Vote vote;
  static constexpr auto kFields = fields<&OwnVote::vote>;
};
/// Another leader's proposal that this node is about to notarize. No block where another record holds it.
struct Accepted {
  Vote vote;
  std::optional<Block> block;
  static constexpr auto kFields = fields<&Accepted::vote, &Accepted::block>;
};
struct Held {
  Certificate certificate;
  static constexpr auto kFields = fields<&Held::certificate>;
};
/// A body that this node built or fetched, before it signs anything for it.
struct Body {
  Block block;
  static constexpr auto kFields = fields<&Body::block>;
};
/// Executing this block did not give what its header says.
struct Rejected {
  BlockId block;
  static constexpr auto kFields = fields<&Rejected::block>;
};
/// Everything up to this view is final and durable in the ledger: nothing is signed there any more.
struct Floor {
  View view;
  static constexpr auto kFields = fields<&Floor::view>;
};

using Record = std::variant<Entered, OwnVote, Accepted, Held, Body, Rejected, Floor>;

}  // namespace micro::simplex
