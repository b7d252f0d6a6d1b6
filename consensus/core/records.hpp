// What the engine remembers across crashes, one folder of records an epoch. consensus/journal stores their encodings
// and knows nothing of their meaning.
#pragma once

#include "consensus/core/messages.hpp"

namespace micro::simplex {

/// The node moved to this view.
struct Entered {
  View view;
  static constexpr auto kFields = std::tuple{&Entered::view};
};
/// Signed by this node; counts and is sent again after a restart.
struct OwnVote {
  Vote vote;
  static constexpr auto kFields = std::tuple{&OwnVote::vote};
};
/// Another leader's proposal that this node is about to notarize. No block where another record holds it.
struct Accepted {
  Vote vote;
  std::optional<Block> block;
  static constexpr auto kFields = std::tuple{&Accepted::vote, &Accepted::block};
};
struct Held {
  Certificate certificate;
  static constexpr auto kFields = std::tuple{&Held::certificate};
};
/// A body that this node built or fetched, before it signs anything for it.
struct Body {
  Block block;
  static constexpr auto kFields = std::tuple{&Body::block};
};
/// Executing this block did not give what its header says.
struct Rejected {
  BlockId block;
  static constexpr auto kFields = std::tuple{&Rejected::block};
};
/// Everything up to this view is final and durable in the ledger: nothing is signed there any more.
struct Floor {
  View view;
  static constexpr auto kFields = std::tuple{&Floor::view};
};

using Record = std::variant<Entered, OwnVote, Accepted, Held, Body, Rejected, Floor>;

}  // namespace micro::simplex
