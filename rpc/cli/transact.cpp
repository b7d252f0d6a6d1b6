#include "rpc/cli/transact.hpp"

#include <algorithm>
#include <chrono>

#include "rpc/cli/secrets.hpp"
#include "wallet/tx/tx_text.hpp"

namespace micro {

namespace {

/// One call waits this long at the node, so that a lost connection is noticed.
constexpr std::uint64_t kWaitSliceMs = 10'000;
/// However short --timeout is: a node that works answers within this time, and an unknown outcome is a nuisance.
constexpr std::uint64_t kLeastSubmitMs = 1'000;

std::uint64_t now_ms() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

std::unexpected<Error> unknown(const TxId& id, const std::string& why) {
  return fail(Fault::kUnknownOutcome, why, "look with `micro audit tx " + id.hex() + "` before doing it again");
}

/// Statuses that mean "not enough": exit 6 instead of 7.
bool is_about_funds(std::string_view status) {
  return status == "InsufficientFunds" || status == "CannotPayFee" || status == "LotGone" || status == "EscrowExpiry";
}

std::unexpected<Error> rejected(const Json& answer) {
  const std::string status = text_or(answer, "status");
  std::string message = "the ledger refused it: " + text_or(answer, "status_text", status);
  // Only what is in a block has paid.
  if (const std::string fee = text_or(answer, "fee"); answer.contains("height") && !fee.empty())
    message += "; its fee of " + with_unit(fee) + " was taken";
  return fail(is_about_funds(status) ? Fault::kFunds : Fault::kRejected, message, text_or(answer, "status_hint"));
}

Result<Json> wait_until_final(Context& context, const TxId& id) {
  const std::uint64_t deadline = now_ms() + context.globals.timeout_ms;
  for (;;) {
    const std::uint64_t now = now_ms();
    if (now >= deadline) {
      return unknown(id, "it was submitted, but is in no block after " + format_duration(context.globals.timeout_ms));
    }
    const std::uint64_t slice = std::min(kWaitSliceMs, deadline - now);
    auto answer = context.call_within("tx.wait", {{"txid", id.hex()}, {"timeout_ms", std::to_string(slice)}},
                                      CallEffect::kRead, slice + kClientAnswerMs);
    if (answer) return answer;
    if (answer.error().fault != Fault::kUnknownOutcome)
      return unknown(id, "it was submitted, then: " + answer.error().message);
  }
}

Json description(const UnsignedTx& tx, NetworkKind kind) {
  return Json{{"dry_run", true},
              {"txid", tx_id(tx.body).hex()},
              {"kind", tx_kind_name(tx.body.payload.index())},
              {"sender", address_text(kind, tx.body.sender)},
              {"nonce", tx.body.nonce.text()},
              {"fee", amount_text(tx.fee)},
              {"spent", amount_text(tx.spent)},
              {"valid_until", tx.body.valid_until.text()},
              {"unit", "TOK"},
              {"body", to_hex(encode(tx.body))}};
}

Status submit(Context& context, const SignedTx& tx, const TxId& id) {
  const std::uint64_t within = std::clamp(context.globals.timeout_ms, kLeastSubmitMs, kClientAnswerMs);
  auto answer = context.call_within("tx.submit", {{"tx", to_hex(encode(tx))}}, CallEffect::kChange, within);
  if (!answer) {
    if (answer.error().fault == Fault::kUnknownOutcome) return unknown(id, answer.error().message);
    return std::unexpected(std::move(answer).error());
  }
  const auto accepted = answer->find("accepted");
  if (accepted == answer->end() || !accepted->is_boolean() || !accepted->get<bool>()) return rejected(*answer);
  return {};
}

}  // namespace

Result<ChainView> chain_view(Context& context, const Address& sender) {
  ChainView view;
  view.kind = TRY(context.kind());
  const Json answer = TRY(context.call("tx.context", {{"address", address_text(view.kind, sender)}}));
  view.chain = TRY(ChainId::parse(TRY(text_of(answer, "chain_id"))));
  view.params = TRY(decode<ChainParams>(TRY(from_hex(TRY(text_of(answer, "params"))))));
  view.height = Height(TRY(number_of(answer, "height")));
  view.next_nonce = Nonce(TRY(number_of(answer, "nonce")));
  view.spendable = TRY(parse_amount(TRY(text_of(answer, "live"))));
  return view;
}

Result<Transaction> transact(Context& context, ActingAccount& account, Payload payload) {
  const ChainView view = TRY(chain_view(context, account.address));
  const UnsignedTx built = TRY(build_tx(view, account.address, std::move(payload)));
  Transaction out;
  out.id = tx_id(built.body);
  out.nonce = built.body.nonce;
  out.fee = built.fee;
  const std::string rows = render_rows(describe_tx(view.kind, built.body));
  if (context.globals.dry_run) {
    context.out.note(rows);
    out.result = description(built, view.kind);
    return out;
  }
  const bool asks = !account.key && can_ask(context.globals) && !context.globals.yes;
  if (asks) {
    context.out.note(rows);
    if (!TRY(confirm(context.globals, "sign and send it"))) return fail(Fault::kInterrupted, "not sent");
  }
  TRY(context.unlock(account));
  const SignedTx tx = TRY(sign_built(built, *account.key));
  // Said before it leaves: whatever happens next, the user can look for it.
  context.out.remember("txid", out.id.hex());
  context.out.progress("txid " + out.id.hex());
  TRY(submit(context, tx, out.id));
  if (context.globals.wait == WaitFor::kNone || context.globals.wait == WaitFor::kSubmitted) {
    out.result = Json{{"txid", out.id.hex()}, {"status", "submitted"}};
    return out;
  }
  out.result = TRY(wait_until_final(context, out.id));
  if (text_or(out.result, "status") != "Ok") return rejected(out.result);
  return out;
}

Result<Amount> some_tokens(std::string_view text) {
  const Amount amount = TRY(parse_amount(text));
  if (amount.is_zero()) return fail(Fault::kInvalid, "the amount is zero", "the least is 0.000001");
  return amount;
}

std::string outcome_text(const Transaction& transaction) {
  if (transaction.result.contains("dry_run")) return "dry run: nothing was signed or sent";
  if (!transaction.result.contains("height")) return "submitted";
  return "final in block " + text_or(transaction.result, "height") + " · fee " +
         with_unit(amount_text(transaction.fee));
}

void print_outcome(Context& context, const Transaction& transaction, std::string_view text) {
  if (context.out.json()) {
    Json document = transaction.result;
    document["unit"] = "TOK";
    return context.out.document(document);
  }
  if (transaction.result.contains("dry_run")) return context.out.note(outcome_text(transaction));
  context.out.line(text);
}

void print_outcome_and_block(Context& context, const Transaction& transaction, std::string_view text) {
  print_outcome(context, transaction, text);
  if (!transaction.result.contains("dry_run")) context.out.note(outcome_text(transaction));
}

}  // namespace micro
