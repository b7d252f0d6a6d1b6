// A transaction in words, to be read before it is signed and after it is found on the ledger.
#pragma once

#include <string>
#include <vector>

#include "chain/types/address.hpp"
#include "chain/types/transaction.hpp"

namespace micro {

struct TextRow {
  std::string label;
  std::string value;
  bool operator==(const TextRow&) const = default;
};

/// Kind first, then every field of the payload, then sender, fee, nonce, validity and network: nothing that is signed
/// is left out, except keys' proofs and signatures inside the payload.
std::vector<TextRow> describe_tx(NetworkKind kind, const TxBody& body);

/// One row a line, values in one column.
std::string render_rows(const std::vector<TextRow>& rows);

/// What others wrote, safe on a terminal: control characters, and characters that reorder what is shown, become \u{…}.
std::string printable(std::string_view utf8);

}  // namespace micro
