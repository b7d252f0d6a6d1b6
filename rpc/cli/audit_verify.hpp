// Checks of what a node says: each answer is followed back to the genesis by certificates and proofs, here in the
// caller's process. Every failure is kMismatch.
#pragma once

#include "chain/records/records.hpp"
#include "chain/types/block.hpp"
#include "rpc/cli/context.hpp"

namespace micro {

struct ChainAudit {
  ChainId chain;
  ChainParams params;        ///< of its genesis
  std::uint64_t epochs = 0;  ///< boundary certificates that were checked
  std::size_t signers = 0;   ///< of the header that was asked for
  std::size_t committee = 0;
};

/// Follows certificates from the genesis (a file, or the node's own) to the epoch of `header` and checks that it is on
/// that chain.
Result<ChainAudit> follow_chain(Context& context, const std::string& genesis_file, const Header& header);

struct DecisionAudit {
  Header header;
  event::PolicyRan ran;
  Event decision;  ///< Placed or Drained
  Bytes wasm;
  Bytes input;
  Bytes output;
};

/// The decision is an event of its block, its block ran the policy on this input with this output, and all bytes have
/// the hashes that the event names.
Result<DecisionAudit> check_decision(const Json& answer, std::string_view number);
/// Runs the policy again and compares what it says.
Status check_replay(const DecisionAudit& audit, const PolicyRunner& run);

struct BlockAudit {
  Block block;
  BlockReceipts receipts;
};

/// Decodes ledger.block's bytes and checks that its transactions, their receipts and the boundary's events are those of
/// its header.
Result<BlockAudit> check_block(const Json& answer);
/// The place of a transaction in its block.
Result<std::size_t> check_tx_in(const BlockAudit& audit, const TxId& id);

struct AccountAudit {
  Header header;                   ///< whose state holds the record
  std::optional<Account> account;  ///< nothing: proven absent
  ChainAudit chain;
};
Result<AccountAudit> check_account(Context& context, const std::string& genesis_file, const Address& address);

}  // namespace micro
