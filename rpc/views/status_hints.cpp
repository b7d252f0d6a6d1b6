// What to do about a transaction that the ledger refused, with the limits that this network's parameters set.
#include "chain/registry/service_rules.hpp"
#include "rpc/views/views.hpp"

namespace micro::views {
namespace {

std::string tokens(Amount amount) {
  return amount_text(amount) + " TOK";
}

std::string percent(std::uint32_t ppm) {
  return std::to_string(ppm / 10'000);
}

/// Roughly how long so many epochs are, where they are of the full length.
std::string about(const ChainParams& params, std::uint64_t epochs) {
  const std::uint64_t seconds = epochs * params.epoch_ms / 1'000;
  if (seconds >= 172'800) return std::to_string(seconds / 86'400) + " days";
  if (seconds >= 7'200) return std::to_string(seconds / 3'600) + " hours";
  return std::to_string(seconds) + " seconds";
}

}  // namespace

std::string status_hint(TxStatus status, const ChainParams& params) {
  switch (status) {
    case TxStatus::kInsufficientFunds:
    case TxStatus::kCannotPayFee:
      return "see what is live with: micro wallet lots";
    case TxStatus::kFeeTooLow:
      return "a transaction costs " + tokens(params.fee_per_tx) + " and " + tokens(params.fee_per_byte) + " a byte";
    case TxStatus::kRefreshTooEarly:
      return "a lot may be refreshed in the last " + std::to_string(params.bucket_epochs) +
             " epochs before it expires (" + about(params, params.bucket_epochs) + ") and for " +
             std::to_string(grace_epochs(params)) + " epochs after; see when with: micro wallet lots";
    case TxStatus::kLotGone:
      return "a lot can be refreshed until " + std::to_string(grace_epochs(params)) + " epochs after it expired (" +
             about(params, grace_epochs(params)) + "), not later";
    case TxStatus::kBondTooSmall:
      return "the least bond of an offer is " + tokens(params.min_bond) + "; without --bond it is just that";
    case TxStatus::kSeatBondTooSmall:
      return "the least bond of a seat in the committee is " + tokens(params.min_seat_bond);
    case TxStatus::kNoCapacity:
      return "offer some of each: --cpu, --mem and --disk";
    case TxStatus::kOfferExists:
      return "withdraw it first: micro stake withdraw OFFER; see: micro stake list";
    case TxStatus::kNotOwner:
      return "use the owner's --account";
    case TxStatus::kNameTaken:
      return "choose another with --name";
    case TxStatus::kBadName:
      return "a name has 1 to " + std::to_string(kMaxServiceNameBytes) +
             " of a to z, 0 to 9 and -, begins with a letter and does not end with -, like hello-2";
    case TxStatus::kBadSource:
      return params.allow_local_sources ? "an https:// address of a repository, or a folder of this machine"
                                        : "an https:// address of a repository that everyone can fetch";
    case TxStatus::kBadShare:
      return "the host gets " + percent(kernel::kMinHostSharePpm) + " to 100 percent of the price: --host-share " +
             percent(kernel::kMinHostSharePpm) + " or more";
    case TxStatus::kBadMemory:
      return "a version has 1 to " + std::to_string(kMaxVersionMemoryMib) +
             " MiB: --memory, or memory_mib in micro.json";
    case TxStatus::kVersionExists:
      return "commit something new, or run the same commit again with: micro run";
    case TxStatus::kUnspentTooSmall:
      return "see what it holds with: micro service describe NAME";
    case TxStatus::kSessionCap:
    case TxStatus::kSessionExpired:
    case TxStatus::kSessionEnded:
    case TxStatus::kSessionService:
    case TxStatus::kSessionWindowFull:
      return "grant another key with: micro wallet session create";
    case TxStatus::kEscrowExpiry:
      return "only tokens that outlive the channel can be locked: refresh some, or get fresh ones";
    case TxStatus::kNotPlaced:
      return "see where it runs with: micro service versions NAME";
    default:
      return {};
  }
}

}  // namespace micro::views
