// From a payload to a transaction that is final, or to an error that says whether it may still happen.
#pragma once

#include "rpc/cli/context.hpp"

namespace micro {

struct Transaction {
  TxId id;
  Nonce nonce;
  Amount fee;
  Json
      result;  ///< as ledger.tx once it is in a block; {txid, status: "submitted"} before; a description with --dry-run
};

/// Builds, shows (--dry-run ends here), asks, signs here, prints the txid, submits and waits as --wait says. kRejected
/// or kFunds when the ledger refused it; kUnknownOutcome, with what to look at, when nobody knows.
Result<Transaction> transact(Context& context, ActingAccount& account, Payload payload);

/// An amount above zero, which is what the ledger takes: it would refuse zero and keep the fee.
Result<Amount> some_tokens(std::string_view text);

/// "final in block 9 · fee 0.000100 TOK"
std::string outcome_text(const Transaction& transaction);
/// Prints the result: the document with --json, else `text`; of a dry run that nothing happened.
void print_outcome(Context& context, const Transaction& transaction, std::string_view text);
/// And on stderr in which block, for which fee.
void print_outcome_and_block(Context& context, const Transaction& transaction, std::string_view text);

/// What the ledger says about this sender now.
Result<ChainView> chain_view(Context& context, const Address& sender);

}  // namespace micro
